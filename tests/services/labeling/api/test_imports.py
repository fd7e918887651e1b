"""Imports over HTTP."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.services.labeling.api.conftest import Account
from tests.services.labeling.api.waiting import until

CSV = "Naam;E-mail;Interesselabels\r\nAnn;ann@example.com;Dogs\r\nBob;bob@example.com;Dosg\r\n".encode("cp1252")
OPTIONS = {"subscription": {"set": "subscribed", "basis": "The form of the fair."}}


def state_of(account: Account, path: str, wanted: str) -> Any:
    until(lambda: account.get(path).json()["state"] in (wanted, "failed"), within=30)
    found = account.get(path).json()
    assert found["state"] == wanted, found
    return found


def test_a_file_is_uploaded_checked_imported_and_undone(account: Account) -> None:
    account.make("/v1/labels", {"name": "Dogs"})
    answer = account.post("/v1/imports?filename=people.csv", content=CSV, headers={"Idempotency-Key": "once"})
    assert answer.status_code == 201, answer.text
    path = answer.headers["location"]
    uploaded = answer.json()
    assert uploaded["format"] == {"kind": "csv", "encoding": "utf-8", "delimiter": ";", "header": True}
    assert [column["maps_to"] for column in uploaded["columns"]][1:] == ["email", "labels"]

    assert account.post(f"{path}/start").status_code == 409
    checking = account.put(path, json={"columns": [{"index": 0, "maps_to": None}], "options": OPTIONS})
    assert checking.status_code == 202, checking.text
    summary = state_of(account, path, "checked")["summary"]
    assert (summary["create"], summary["errors"]) == (1, 1)
    assert summary["unknown_labels"][0]["nearest"][0]["name"] == "Dogs"
    (error,) = account.get(f"{path}/errors").json()["items"]
    assert (error["row"], error["column"], error["code"]) == (3, "Interesselabels", "unknown_label")
    error_file = account.get(f"{path}/errors.csv")
    assert error_file.text.splitlines()[1] == "Bob;bob@example.com;Dosg;there is no label 'Dosg'"

    assert account.post(f"{path}/start").status_code == 202
    done = state_of(account, path, "done")
    assert done["result"] == {"created": 1, "updated": 0, "unchanged": 0, "skipped": 0, "merged": 0, "errors": 1}
    (ann,) = account.get("/v1/contacts?email=ann@example.com").json()["items"]
    assert ann["subscription"] == "subscribed"
    (held,) = account.get(f"/v1/contacts/{ann['id']}/labels").json()["items"]
    assert held["supports"][0]["kind"] == "import"

    preview = account.post(f"{path}/undo?dry_run=true")
    assert (preview.status_code, preview.json()["labels_removed"]) == (200, 1)
    assert account.post(f"{path}/undo?erase_created=true").status_code == 202
    state_of(account, path, "undone")
    assert account.get("/v1/contacts?email=ann@example.com").json()["items"] == []
    assert account.delete(path).status_code == 204
    assert account.get(path).status_code == 404


def test_contacts_are_listed_by_the_outcome_of_an_import(account: Account) -> None:
    account.make("/v1/labels", {"name": "Dogs"})
    contacts = [{"email": "ann@example.com", "labels": ["Dogs"]}, {"email": "bob@example.com"}]
    account.make("/v1/contacts/batch", contacts)
    rows = "E-mail;Labels\nann@example.com;Dogs\nbob@example.com;Dogs\ncas@example.com;\ncas@example.com;Dogs\n"
    path = account.post("/v1/imports?filename=people.csv", content=rows.encode()).headers["location"]
    account.put(path, json={"options": OPTIONS})
    state_of(account, path, "checked")
    account.post(f"{path}/start")
    result = state_of(account, path, "done")["result"]
    wanted = {"import": path.rpartition("/")[2]}

    def emails(**parameters: str) -> list[str]:
        answer = account.get("/v1/contacts", params=wanted | parameters)
        assert answer.status_code == 200, answer.text
        return [one["email"].partition("@")[0] for one in answer.json()["items"]]

    for outcome, names in {"created": ["cas"], "updated": ["bob"], "unchanged": ["ann"]}.items():
        assert emails(outcome=outcome) == names
        assert result[outcome] == len(names)
        assert emails(outcome=outcome, sort="-changed_at") == names
        assert emails(outcome=outcome, label="Dogs") == names
    assert emails() == ["ann", "bob", "cas"]
    first = account.get("/v1/contacts", params=wanted | {"limit": "2"}).json()
    assert len(first["items"]) == 2
    second = account.get("/v1/contacts", params=wanted | {"limit": "2", "cursor": first["next_cursor"]}).json()
    (last,) = second["items"]
    assert last["email"] == "cas@example.com"
    assert account.get("/v1/contacts?outcome=created").json()["errors"][0]["pointer"] == "/query/outcome"
    assert account.get(f"/v1/contacts?import={uuid4()}").status_code == 404


def test_refused_and_skipped_rows_are_listed_with_their_cells(account: Account) -> None:
    account.make("/v1/contacts/batch", [{"email": "ann@example.com"}, {"email": "bob@example.com"}])
    rows = "E-mail;Language\nann@example.com;nl\nnobody;fr\ncas@example.com;nl\nbob@example.com;en\n"
    path = account.post("/v1/imports?filename=people.csv", content=rows.encode()).headers["location"]
    account.put(path, json={"options": OPTIONS | {"mode": "create"}})
    summary = state_of(account, path, "checked")["summary"]

    def listed(**parameters: str) -> list[tuple[int, list[str], str | None]]:
        answer = account.get(f"{path}/rows", params=parameters)
        assert answer.status_code == 200, answer.text
        return [(one["row"], one["cells"], one["reason"]) for one in answer.json()["items"]]

    skipped = [(2, ["ann@example.com", "nl"], None), (5, ["bob@example.com", "en"], None)]
    assert listed(outcome="skipped") == skipped
    ((number, cells, reason),) = listed(outcome="errors")
    assert (number, cells) == (3, ["nobody", "fr"])
    assert reason
    assert (summary["skipped"], summary["errors"]) == (2, 1)
    account.post(f"{path}/start")
    result = state_of(account, path, "done")["result"]
    assert (result["skipped"], result["errors"]) == (2, 1)
    assert listed(outcome="skipped") == skipped
    first = account.get(f"{path}/rows", params={"outcome": "skipped", "limit": "1"}).json()
    assert [one["row"] for one in first["items"]] == [2]
    assert listed(outcome="skipped", limit="1", cursor=first["next_cursor"]) == skipped[1:]
    assert listed() == listed(outcome="errors")
    wrong = account.get(f"{path}/rows", params={"outcome": "other"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/query/outcome")


ROWS = """
1;ann@example.com;Gent;
2;bob@example.com;Gent;
3;cis@example.com;Gent;
;ann@example.com;Aalst;
3;cis@other.example;Gent;
;cis@other.example;Aalst;
4;dan@example.com;Gent;
5;nobody;Gent;
6;bad@example.com;Gent;Dosg
7;;Gent;
;late@example.com;Gent;{filling}
2;;Aalst;
8;bob@example.com;Gent;
;DAN@example.com;Aalst;
;dan@example.com;Gent;
9;eve@example.com;Gent;
;eve@example.com;Gent;
;late@example.com;Gent;
"""
# The filling is longer than the part of a file that one step reads, so another step checks the second half.
FILE = "Nr;E-mail;City;Labels;Note\n" + ROWS.strip().format(filling=";" + "x" * 600_000)
LISTS = {"rows": "all"}  # the other lists have the names of their numbers
EXPECTED = {
    "create_and_update": {
        "rows": 18, "create": 4, "update": 1, "unchanged": 1, "skipped": 0, "errors": 4, "duplicates": 8,
        "suppressed": 3,
    },
    "create": {
        "rows": 18, "create": 4, "update": 0, "unchanged": 0, "skipped": 4, "errors": 4, "duplicates": 6,
        "suppressed": 3,
    },
    "update": {
        "rows": 18, "create": 0, "update": 1, "unchanged": 1, "skipped": 11, "errors": 3, "duplicates": 2,
        "suppressed": 0,
    },
}  # fmt: skip


@pytest.mark.parametrize("mode", EXPECTED)
def test_each_number_of_a_check_equals_the_length_of_its_list(account: Account, mode: str) -> None:
    account.make("/v1/fields", {"key": "city", "name": "City", "type": "text"})
    contacts = [
        {"email": "ann@example.com", "external_id": "1", "fields": {"city": "Gent"}},
        {"email": "bob@example.com", "external_id": "2", "fields": {"city": "Brugge"}},
    ]
    account.make("/v1/contacts/batch", contacts)
    account.make("/v1/suppressions", {"emails": ["dan@example.com"]})
    path = account.post("/v1/imports?filename=people.csv", content=FILE.encode()).headers["location"]
    columns = [{"index": 0, "maps_to": "external_id"}, {"index": 4, "maps_to": None}]
    account.put(path, json={"columns": columns, "options": OPTIONS | {"mode": mode}})
    summary = state_of(account, path, "checked")["summary"]

    def listed(name: str) -> list[Any]:
        rows: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            parameters = {"outcome": LISTS.get(name, name), "limit": "2"} | cursor
            page = account.get(f"{path}/rows", params=parameters).json()
            rows += page["items"]
            if page["next_cursor"] is None:
                return rows
            cursor = {"cursor": page["next_cursor"]}

    assert {name: summary[name] for name in EXPECTED[mode]} == EXPECTED[mode]
    lists = {name: listed(name) for name in EXPECTED[mode]}
    assert {name: len(rows) for name, rows in lists.items()} == EXPECTED[mode]
    refused = {row["row"] for row in lists["errors"]}
    assert {row["row"] for row in lists["rows"] if row["reason"]} == refused
    parts = ("create", "update", "unchanged", "skipped", "errors", "duplicates")
    assert sorted(row["row"] for part in parts for row in lists[part]) == [row["row"] for row in lists["rows"]]

    account.post(f"{path}/start")
    result = state_of(account, path, "done")["result"]
    assert (result["created"], result["updated"] + result["unchanged"], result["merged"]) == (
        summary["create"], summary["update"] + summary["unchanged"], summary["duplicates"]
    )  # fmt: skip
    assert (result["skipped"], result["errors"]) == (summary["skipped"], summary["errors"])


def test_a_file_is_uploaded_by_a_form(account: Account) -> None:
    answer = account.post("/v1/imports", files={"other": b"x", "file": ("mensen.csv", CSV * 1000, "text/csv")})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["filename"], answer.json()["size"]) == ("mensen.csv", len(CSV) * 1000)
    assert account.post("/v1/imports", files={"other": b"x"}).status_code == 422


def test_a_file_that_is_not_a_table_is_rejected_with_the_reason(account: Account) -> None:
    answer = account.post("/v1/imports", content=b"\x89PNG\r\n\x1a\n\x00\x00")
    assert answer.status_code == 422
    assert "PNG" in answer.json()["detail"]
    assert account.post("/v1/imports", content=b"").status_code == 422


def test_imports_of_another_account_are_not_found(account: Account, new_account: Callable[[], Account]) -> None:
    path = account.post("/v1/imports", content=CSV).headers["location"]
    other = new_account()
    for method, tail in (
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/start"),
        ("GET", "/errors"),
        ("GET", "/errors.csv"),
        ("GET", "/rows?outcome=errors"),
    ):
        assert other.request(method, path + tail).status_code == 404
    assert other.put(path, json={}).status_code == 404
    assert account.get("/v1/imports").json()["items"][0]["state"] == "uploaded"


def test_an_invalid_mapping_is_rejected_with_a_pointer(account: Account) -> None:
    path = account.post("/v1/imports", content=CSV).headers["location"]
    answer = account.put(path, json={"columns": [{"index": 0, "maps_to": {"field": "nothing"}}]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/columns/0/maps_to/field"
    answer = account.put(path, json={"columns": [{"index": 9, "maps_to": None}]})
    assert answer.status_code == 422
    answer = account.put(path, json={"options": {"mode": "sometimes"}})
    assert answer.status_code == 422
