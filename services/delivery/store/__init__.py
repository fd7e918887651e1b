"""Delivery's tables: sets of rows in, sets of rows out."""

from pathlib import Path

MIGRATIONS = Path(__file__).parent.parent / "migrations"
