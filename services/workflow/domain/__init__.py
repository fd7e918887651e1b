"""Workflows as data, and the rules of their runs, without I/O, clock or randomness."""
