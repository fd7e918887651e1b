"""Labeling's use cases: each loads state, lets the domain decide, and writes the result in units of work."""
