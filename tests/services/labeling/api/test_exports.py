"""Exports over HTTP."""

import asyncio
import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from shared.events.segmentation import SegmentChanged
from tests.services.labeling.api.conftest import Account, Running
from tests.services.labeling.api.events import publish
from tests.services.labeling.api.waiting import until


@pytest.fixture
def dogs(account: Account) -> str:
    """Provide the id of a label that three of four contacts hold."""
    label: str = account.make("/v1/labels", {"name": "Dogs"})["id"]
    rows = [{"email": f"p{number}@example.com", "labels": ["Dogs"]} for number in range(3)]
    account.make("/v1/contacts/batch", [*rows, {"email": "other@example.com"}])
    return label


def exported(account: Account, body: dict[str, Any]) -> Any:
    answer = account.post("/v1/exports", json=body)
    assert answer.status_code == 202, answer.text
    path = answer.headers["location"]
    until(lambda: account.get(path).json()["state"] in ("done", "failed"))
    found = account.get(path).json()
    assert found["state"] == "done", found
    return found


def test_the_holders_of_a_label_are_exported_to_a_csv_file(account: Account, dogs: str) -> None:
    columns = ["email", "subscription", "interesselabels", f"clicks:{dogs}", f"last_click:{dogs}"]
    export = exported(account, {"of": {"label": dogs}, "columns": columns})
    assert (export["rows"], export["progress"]["done"], export["columns"]) == (3, 3, columns)
    file = account.get(export["file"])
    assert file.headers["content-type"].startswith("text/csv")
    assert "attachment" in file.headers["content-disposition"]
    assert int(file.headers["content-length"]) == export["size"] == len(file.content)
    rows = list(csv.reader(io.StringIO(file.text, newline="")))
    assert rows == [columns, *([f"p{number}@example.com", "subscribed", "Dogs", "0", ""] for number in range(3))]
    assert [one["id"] for one in account.get("/v1/exports").json()["items"]] == [export["id"]]
    assert account.delete(f"/v1/exports/{export['id']}").status_code == 204
    assert account.get(export["file"]).status_code == 404


@pytest.mark.parametrize(
    ("format_", "media_type", "begins"),
    [
        ("csv_excel", "text/csv", b"\xef\xbb\xbf"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
        ("ndjson", "application/x-ndjson", b"{"),
    ],
)
@pytest.mark.usefixtures("dogs")
def test_each_format_has_its_media_type(account: Account, format_: str, media_type: str, begins: bytes) -> None:
    file = account.get(exported(account, {"of": {"all": True}, "format": format_})["file"])
    assert file.headers["content-type"].startswith(media_type)
    assert file.content.startswith(begins)


def test_a_segment_without_members_is_exported_as_a_file_without_rows(running: Running, account: Account) -> None:
    segment = uuid4()
    event = SegmentChanged(
        occurred_at=datetime.now(UTC), account_id=account.account_id, segment_id=segment, segment_name="Nobody",
        segment_version=1, criterion={"any": []},
    )  # fmt: skip
    asyncio.run(publish(running, event))
    export = exported(account, {"of": {"segment": str(segment)}, "columns": ["email"]})
    assert (export["rows"], account.get(export["file"]).text) == (0, "email\r\n")
    assert account.get(f"/v1/contacts?segment={segment}").json()["items"] == []
    assert account.get(f"/v1/contacts?segment={uuid4()}").status_code == 404


def test_invalid_exports_are_rejected_with_a_pointer(
    account: Account, dogs: str, new_account: Callable[[], Account]
) -> None:
    nothing = "00000000-0000-0000-0000-000000000000"
    for of, pointer in (
        ({}, "/of"),
        ({"label": dogs, "all": True}, "/of"),
        ({"label": nothing}, "/of/label"),
        ({"segment": nothing}, "/of/segment"),
        ({"import": nothing}, "/of/import"),
    ):
        answer = account.post("/v1/exports", json={"of": of})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text
    answer = account.post("/v1/exports", json={"of": {"all": True}, "columns": ["email", "shoe_size"]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/columns/1")
    export = exported(account, {"of": {"all": True}})
    other = new_account()
    assert other.get(export["file"]).status_code == 404
    assert other.delete(f"/v1/exports/{export['id']}").status_code == 404
    assert other.post("/v1/exports", json={"of": {"label": dogs}}).status_code == 422
