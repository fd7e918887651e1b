"""The generated documents are current, and the APIs are documented."""

import json

import pytest

from deploy.documents.openapi import SERVICES, openapi_text
from deploy.documents.write import DOCS, texts


@pytest.mark.parametrize(("name", "text"), [(path.name, text) for path, text in texts()])
def test_every_document_is_current(name: str, text: str) -> None:
    (path,) = DOCS.rglob(name)

    assert path.read_text(encoding="utf-8") == text, "run `make docs`"


def test_no_two_services_share_a_path() -> None:
    # A proxy on one host can route each path to its service.
    own = {"/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs"}
    paths = [path for name in SERVICES for path in json.loads(openapi_text(name))["paths"] if path not in own]

    assert len(paths) == len(set(paths))


@pytest.mark.parametrize("name", SERVICES)
def test_every_endpoint_has_a_summary(name: str) -> None:
    document = json.loads(openapi_text(name))

    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), f"{method} {path}"
