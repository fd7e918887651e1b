"""Reads requests and contacts into delivery's own tables."""
