"""Labeling's tables. Every module has its SQL in the `.sql` file beside it; all statements work on sets of rows."""

from pathlib import Path

MIGRATIONS = Path(__file__).parent.parent / "migrations"
