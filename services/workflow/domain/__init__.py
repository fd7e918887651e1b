"""Workflows as data, and what happens to a contact that passes through one: no I/O, no clock, no randomness."""
