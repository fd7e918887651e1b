"""docs/reference/http.md: every operation of the services, by service and subject."""

import json
from collections.abc import Mapping
from typing import Any

from deploy.documents.openapi import SERVICES, openapi_text

_HEAD = """\
# The HTTP interface

Each service describes its operations at `/docs`, with every property and an example, and for programs at
`/openapi.json`; `docs/openapi` of the repository has the same documents. `penchant env` prints the address of each
service.
"""
_OPERATIONS = "| operation | what it does |\n|---|---|\n"


def http_text() -> str:
    """Return the page: a table of operations for each subject of each service."""
    return "\n".join([_HEAD, *(_service(name, json.loads(openapi_text(name))) for name in SERVICES)])


def _service(name: str, document: Mapping[str, Any]) -> str:
    rows: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            row = f"| `{method.upper()} {path}` | {operation['summary']} |\n"
            rows.setdefault(operation["tags"][0], []).append(row)
    title = name.capitalize()
    tables = (f"### {title}: {subject}\n\n{_OPERATIONS}{''.join(found)}" for subject, found in rows.items())
    return "\n".join([f"## {title}\n", *tables])
