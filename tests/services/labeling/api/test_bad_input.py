"""Bad input gets no 5xx and no undocumented response, and every operation requires the right key."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.services.labeling.api.conftest import Account, Running
from tests.stack.bad_input import send_bad_input


@pytest.mark.timeout(300)
def test_schemathesis_finds_no_fault(running: Running, account: Account, tmp_path: Path) -> None:
    account.make("/v1/fields", {"key": "city", "name": "City", "type": "text"})
    account.make("/v1/labels", {"name": "Dogs"})
    account.make("/v1/contacts", {"email": "ann@example.com"})
    send_bad_input(running.process.url, account.headers["authorization"], tmp_path, 5, "--phases=coverage,fuzzing")


def operations(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return every operation that requires a key of an account, with the path parameters filled in."""
    filled = {"{contact}": "1", "{label_id}": "0" * 8 + "-0000-7000-8000-" + "0" * 12, "{key}": "city"}
    found = []
    for path, methods in document["paths"].items():
        if not path.startswith("/v1/") or "held-records" in path or path == "/v1/accounts":
            continue
        for name, value in {**filled, "{key_id}": filled["{label_id}"], "{job_id}": filled["{label_id}"]}.items():
            path = path.replace(name, value)
        found += [(method.upper(), _filled(path)) for method in methods]
    return found


def _filled(path: str) -> str:
    """Replace each parameter of the path by an id."""
    return re.sub(r"\{[^}]*\}", str(uuid4()), path)


def test_missing_invalid_and_revoked_keys_are_rejected(running: Running, account: Account) -> None:
    document = httpx.get(f"{running.process.url}/openapi.json").json()
    every = operations(document)
    assert len(every) > 25
    made_up = {"Authorization": "Bearer pk_" + "0" * 49}
    revoked = account.make("/v1/keys", {"name": "gone", "scopes": ["admin"]})
    account.delete(f"/v1/keys/{revoked['id']}")
    for method, path in every:
        url = f"{running.process.url}{path}"
        for headers in ({}, made_up, {"Authorization": f"Bearer {revoked['key']}"}):
            assert httpx.request(method, url, headers=headers, json={}).status_code == 401, (method, path)


def test_every_operation_requires_a_scope(running: Running, account: Account) -> None:
    every = operations(httpx.get(f"{running.process.url}/openapi.json").json())
    only_self = account.with_key("self")
    # The contact itself may carry out these operations: their body is refused, not the key.
    mine = {("PUT", "labels"), ("DELETE", "labels"), ("POST", "assignments")}
    for method, path in every:
        if not any(method == one and part in path for one, part in mine):
            # Operations of the operator do not accept keys of accounts.
            refused = 401 if path.startswith("/v1/accounts") else 403
            assert only_self.request(method, path, json={}).status_code == refused, (method, path)
