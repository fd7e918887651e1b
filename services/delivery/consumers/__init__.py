"""Consumes requests and contacts."""
