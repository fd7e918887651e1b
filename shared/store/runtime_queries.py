"""The queries of the runtime's own tables."""

from pathlib import Path

from shared.store.queries import load_queries

QUERIES = load_queries(Path(__file__).parent / "sql")
