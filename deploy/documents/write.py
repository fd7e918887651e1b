"""Writes JSON Schemas, docs/asyncapi.yaml, docs/openapi/*.json and the generated pages of docs/reference."""

import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.documents.events import events_text
from deploy.documents.http import http_text
from deploy.documents.openapi import SERVICES, openapi_text
from deploy.documents.reference import command_line_text, metrics_text
from deploy.documents.settings import settings_text
from shared.events.documents import BrokenPromise, asyncapi_text, write_schemas

DOCS = Path(__file__).parents[2] / "docs"


def texts() -> Iterator[tuple[Path, str]]:
    """Yield the path of each generated document, and its text."""
    yield DOCS / "asyncapi.yaml", asyncapi_text()
    for name in SERVICES:
        yield DOCS / "openapi" / f"{name}.json", openapi_text(name)
    yield DOCS / "reference" / "command-line.md", command_line_text()
    yield DOCS / "reference" / "events.md", events_text()
    yield DOCS / "reference" / "http.md", http_text()
    yield DOCS / "reference" / "metrics.md", metrics_text()
    yield DOCS / "reference" / "settings.md", settings_text()


def main() -> int:
    """Write outdated documents, and print their names; return 1 if a released schema would change incompatibly."""
    try:
        written = write_schemas()
    except BrokenPromise as error:
        sys.stderr.write(
            f"A released schema must not change incompatibly; create a new version of the event:\n{error}\n"
        )
        return 1
    for path, text in texts():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    for path in written:
        sys.stdout.write(f"written: {path.relative_to(DOCS.parent)}\n")
    sys.stdout.write("All documents are current.\n" if not written else "")
    return 0
