"""Writes JSON Schemas, docs/asyncapi.yaml and docs/openapi/*.json."""

import sys
from pathlib import Path

from shared.events.documents import BrokenPromise, write_asyncapi, write_schemas

DOCS = Path(__file__).parents[2] / "docs"


def main() -> int:
    """Writes what is not current and names it; 1 when a released schema would be broken."""
    try:
        written = write_schemas()
    except BrokenPromise as error:
        sys.stderr.write(f"A released schema may not change like this; make a new version of the event:\n{error}\n")
        return 1
    if write_asyncapi(DOCS / "asyncapi.yaml"):
        written.append(DOCS / "asyncapi.yaml")
    for path in written:
        sys.stdout.write(f"written: {path.relative_to(DOCS.parent)}\n")
    sys.stdout.write(f"{len(written)} documents were not current\n")
    return 0
