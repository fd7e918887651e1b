"""The commands of docs/how-to/import-contacts.md, as a reader would type them."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.conftest import Shop
from tests.docs.pages import blocks, run_blocks

REFUSED = 1  # the exit status

pytestmark = pytest.mark.timeout(300)  # nine commands, each in its own process


def _contacts(shop: Shop) -> dict[str, Any]:
    items = shop.call("labeling", "GET", "/v1/contacts")["items"]
    return {item["email"]: (item["fields"], shop.labels(item["contact_id"])) for item in items}


def test_a_spreadsheet_is_imported_corrected_undone_and_exported(shop: Shop, tmp_path: Path) -> None:
    shop.environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{shop.environment['PATH']}"
    shop.environment["COLUMNS"] = "120"
    file, labels, check, rows, mapped, run, corrected, undone, exported = blocks("how-to/import-contacts.md")
    run_blocks(shop, file, labels, folder=tmp_path)
    assert "windows-1252" in (checked := run_blocks(shop, check, folder=tmp_path, status=REFUSED))
    assert "did you mean Dogs?" in checked
    listed = run_blocks(shop, labels.splitlines()[0], rows, folder=tmp_path)
    assert [one["cells"][1] for one in json.loads(listed)["items"]] == ["André", "François"]
    assert "new field amount (number)" in run_blocks(shop, mapped, folder=tmp_path, status=REFUSED)
    assert _contacts(shop) == {}

    assert "Created 2, updated 0, unchanged 0." in run_blocks(shop, run, folder=tmp_path, status=REFUSED)
    an = {"first_name": "André", "birthday": "1988-04-03", "bedrag": 1234.5}
    cy = {"first_name": "François", "birthday": "1975-11-15", "bedrag": 0.99}
    imported = {"an@example.com": (an, {"Dogs", "Cats"}), "cy@example.com": (cy, {"Cats"})}
    assert _contacts(shop) == imported

    assert "Created 2, updated 0, unchanged 0." in run_blocks(shop, corrected, folder=tmp_path)
    assert _contacts(shop).keys() == {*imported, "bo@example.com", "dirk@example.com"}
    run_blocks(shop, labels.splitlines()[0], undone, folder=tmp_path)
    assert _contacts(shop) == imported

    assert "Created 0, updated 0, unchanged 2." in run_blocks(shop, exported, folder=tmp_path)
