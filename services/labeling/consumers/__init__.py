"""Handlers of the topics that labeling consumes."""
