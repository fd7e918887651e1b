"""Reads the rows of an imported table, and decides how importing them changes contacts."""
