"""Segmentation's use cases: segments, campaigns, and queries that slices answer."""
