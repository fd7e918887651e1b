"""Tracking's tables: set-based statements, in one `.sql` file beside each module."""
