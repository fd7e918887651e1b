"""Workflow's tables, with set-based statements."""

from pathlib import Path

MIGRATIONS = Path(__file__).parent.parent / "migrations"
