"""SQL of the console's own database."""

from pathlib import Path

MIGRATIONS = Path(__file__).parent.parent / "migrations"
