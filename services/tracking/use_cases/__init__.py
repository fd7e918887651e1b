"""Tracking's use cases, one module per capability: load, let the domain decide, write, append events."""
