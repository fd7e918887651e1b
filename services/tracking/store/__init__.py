"""Tracking's tables: set-based statements, one per file in `sql/`."""

from pathlib import Path

from shared.store.queries import load_queries

QUERIES = load_queries(Path(__file__).parent.parent / "sql")
