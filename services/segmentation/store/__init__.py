"""Segmentation's tables: sets of rows in, sets of rows out."""

from pathlib import Path

from shared.store.queries import load_queries

QUERIES = load_queries(Path(__file__).parent.parent / "sql")
MIGRATIONS = Path(__file__).parent.parent / "migrations"
