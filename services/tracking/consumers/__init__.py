"""Handlers of the topics that tracking consumes: reported clicks, and contacts."""
