"""Contacts, assignments and engagements, over HTTP."""

from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.services.labeling.api.conftest import Account
from tests.services.labeling.api.waiting import until


@pytest.fixture
def dogs(account: Account) -> str:
    label: str = account.make("/v1/labels", {"name": "Dogs", "visibility": "public"})["id"]
    return label


@pytest.fixture
def ann(account: Account) -> int:
    contact: int = account.make("/v1/contacts", {"email": "Ann@Example.com", "external_id": "crm-1"})["contact_id"]
    return contact


def labels_of(account: Account, contact: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = account.get(f"/v1/contacts/{contact}/labels").json()["items"]
    return items


def outcomes(account: Account, contact: int, label: str) -> list[str]:
    items = account.get(f"/v1/contacts/{contact}/labels/{label}/history").json()["items"]
    return [entry["outcome"] for entry in items]


def test_a_contact_is_created_shown_changed_and_found(account: Account, dogs: str) -> None:
    account.make("/v1/fields", {"key": "city", "name": "City", "type": "text"})
    body = {"email": "Ann@Example.com", "external_id": "crm-1", "fields": {"city": "Gent"}, "labels": ["DOGS"]}
    made = account.post("/v1/contacts", json=body)
    assert made.status_code == 201
    ann = made.json()
    assert (ann["email"], ann["fields"], ann["state"]) == ("Ann@example.com", {"city": "Gent"}, "active")
    assert account.get(made.headers["location"]).json() == ann
    assert account.get("/v1/contacts/external:crm-1").json() == ann
    assert account.get("/v1/contacts?email=ann@example.com").json()["items"] == [ann]
    assert account.get("/v1/contacts?external_id=crm-1").json()["total"] == 1
    for named in (dogs, "dogs"):
        assert account.get(f"/v1/contacts?label={named}").json()["items"] == [ann]
    for unknown in (uuid4(), "Birds"):
        assert account.get(f"/v1/contacts?label={unknown}").status_code == 404
    assert account.get("/v1/contacts?email=nobody@example.com").json() == {"items": [], "next_cursor": None, "total": 0}
    changed = account.patch(f"/v1/contacts/{ann['id']}", json={"fields": {"city": None}, "language": "nl"}).json()
    assert (changed["fields"], changed["language"], changed["email"]) == ({}, "nl", ann["email"])
    assert account.post("/v1/contacts", json={"email": "ANN@example.com"}).status_code == 409


@pytest.mark.parametrize("external_id", ["shop/42", "a/labels", "50%2F50", "x y?#", "é:ü"])
def test_an_external_id_in_a_path_may_contain_any_character(account: Account, dogs: str, external_id: str) -> None:
    ann = account.make("/v1/contacts", {"email": "ann@example.com", "external_id": external_id})["contact_id"]
    path = f"/v1/contacts/external:{quote(external_id, safe='')}"
    assert account.get(path).json()["contact_id"] == ann
    assert account.put(f"{path}/labels/{dogs}").status_code == 204
    assert [label["held"] for label in account.get(f"{path}/labels").json()["items"]] == [True]
    assert account.delete(path).status_code == 204


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/email"),
        ({"email": "nobody"}, "/email"),
        ({"email": "a@example.com", "fields": {"x": 1}}, "/fields/x"),
        ({"email": "a@example.com", "labels": ["Nope"]}, "/labels/0"),
        ({"email": "a@example.com", "nickname": "x"}, "/nickname"),
        ({"email": "a@example.com", "subscription": "maybe"}, "/subscription"),
    ],
)
def test_invalid_contacts_are_rejected(account: Account, body: dict[str, Any], pointer: str) -> None:
    answer = account.post("/v1/contacts", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_batch_reports_the_result_of_each_row(account: Account, dogs: str) -> None:
    rows = [
        {"external_id": "1", "email": "one@example.com", "labels": ["Dogs"]},
        {"email": "two@example.com", "labels": ["Birds"]},
        {"email": 3},
        {},
        {"external_id": "1", "language": "nl"},
    ]
    answer = account.post("/v1/contacts/batch", json=rows)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["created"], body["updated"]) == (1, 1)
    assert [(error["index"], error["pointer"]) for error in body["errors"]] == [
        (1, "/labels/0"),
        (2, "/email"),
        (3, ""),
    ]
    first = body["contact_ids"][0]
    assert body["contact_ids"] == [first, None, None, None, first]
    none = account.post("/v1/contacts/batch", json=[{"email": "x"}])
    assert (none.status_code, none.json()["errors"][0]["index"], none.json()["contact_ids"]) == (422, 0, [None])


def test_the_history_shows_the_origin_of_each_assignment_and_removal(account: Account, ann: int, dogs: str) -> None:
    path = f"/v1/contacts/{ann}/labels/{dogs}"
    assert account.put(path).status_code == 204
    assert account.put(path, json={"origin": {"kind": "manual", "ref": "spring.csv"}}).status_code == 204
    (label,) = labels_of(account, ann)
    assert (label["held"], label["label_name"], label["clicks"]) == (True, "Dogs", 0)
    assert [support["kind"] for support in label["supports"]] == ["api", "manual"]
    assert account.delete(path).status_code == 204
    assert account.delete(path).status_code == 204
    items = account.get(f"{path}/history").json()["items"]
    assert [(entry["outcome"], entry["origin"]["kind"]) for entry in items] == [
        ("assigned", "api"),
        ("confirmed", "manual"),
        ("removed", "api"),
    ]
    assert items[1]["origin"]["ref"] == "spring.csv"
    assert account.put(path, json={"origin": {"kind": "import"}}).status_code == 422
    assert not labels_of(account, ann)[0]["held"]


def test_automation_does_not_restore_a_label_that_the_contact_removed(account: Account, ann: int, dogs: str) -> None:
    path = f"/v1/contacts/external:crm-1/labels/{dogs}"
    account.put(path)
    self_key = account.with_key("self")
    assert self_key.request("DELETE", path, json={"origin": {"kind": "self"}}).status_code == 204
    for origin in ({"kind": "api", "ref": "sync"}, {"kind": "api"}):
        assert account.put(path, json={"origin": origin}).status_code == 204
    answer = account.make("/v1/assignments", [{"contact_id": ann, "label": "Dogs", "held": True}])
    assert (answer["refused"], answer["assigned"]) == (1, 0)
    assert outcomes(account, ann, dogs) == ["assigned", "removed", "refused", "refused", "refused"]
    assert self_key.put(path, json={"origin": {"kind": "self"}}).status_code == 204
    assert labels_of(account, ann)[0]["held"]


def test_acting_on_behalf_of_a_contact_requires_the_self_scope(account: Account, ann: int, dogs: str) -> None:
    path = f"/v1/contacts/{ann}/labels/{dogs}"
    assert account.with_key("write").put(path, json={"origin": {"kind": "self"}}).status_code == 403
    assert account.with_key("self").put(path).status_code == 403
    assert account.with_key("read").put(path).status_code == 403


def test_a_batch_of_assignments_reports_outcomes_and_errors(account: Account, ann: int, dogs: str) -> None:
    items = [
        {"contact_id": ann, "label_id": dogs, "held": True},
        {"external_id": "crm-1", "label": "dogs", "held": True, "origin": {"kind": "manual", "ref": "x"}},
        {"external_id": "nobody", "label": "dogs", "held": True},
        {"contact_id": ann, "label_id": str(uuid4()), "held": True},
        {"contact_id": ann, "held": True},
        {"contact_id": ann, "label": "dogs", "held": False},
    ]
    answer = account.make("/v1/assignments", items)
    assert (answer["assigned"], answer["unchanged"], answer["removed"]) == (1, 1, 1)
    assert [(error["index"], error["code"], error["pointer"]) for error in answer["errors"]] == [
        (2, "not_found", "/external_id"),
        (3, "not_found", "/label_id"),
        (4, "invalid", ""),
    ]
    assert account.post("/v1/assignments", json=items[2:5]).status_code == 422


def test_valid_engagements_are_stored_and_invalid_ones_are_rejected(account: Account, ann: int) -> None:
    at = "2026-03-01T12:00:00Z"
    reports = [
        {"id": "1", "contact_id": ann, "kind": "form.submitted", "ref": "contest", "occurred_at": at, "data": {"a": 1}},
        {"id": "1", "contact_id": ann, "kind": "form.submitted", "ref": "contest", "occurred_at": at},
        {"email": "ann@example.com", "kind": "message.unsubscribed", "occurred_at": at},
        {"kind": "x", "occurred_at": at},
        {"contact_id": ann, "kind": "x", "occurred_at": "2126-03-01T12:00:00Z"},
        {"contact_id": ann, "kind": "x", "occurred_at": at, "surprise": 1},
        {"contact_id": ann, "kind": "x", "occurred_at": at, "data": {"essay": "x" * 1_100_000}},
    ]
    answer = account.post("/v1/engagements", json=reports)
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 3
    assert [(error["index"], error["pointer"]) for error in answer.json()["errors"]] == [
        (3, ""),
        (4, "/occurred_at"),
        (5, "/surprise"),
        (6, "/data"),
    ]
    path = f"/v1/contacts/{ann}/engagements"
    until(lambda: len(account.get(path).json()["items"]) == 2)
    kinds = {item["kind"]: item for item in account.get(path).json()["items"]}
    assert kinds["form.submitted"]["data"] == {"a": 1}
    until(lambda: account.get(f"/v1/contacts/{ann}").json()["subscription"] == "unsubscribed")


def test_a_report_is_applied_once_its_contact_exists(account: Account) -> None:
    at = "2026-03-01T12:00:00Z"
    account.make("/v1/engagements", [{"external_id": "later", "kind": "page.visited", "occurred_at": at}])
    ben = account.make("/v1/contacts", {"email": "ben@example.com", "external_id": "later"})["id"]
    until(lambda: len(account.get(f"/v1/contacts/{ben}/engagements").json()["items"]) == 1, within=20)


def test_an_erased_contact_is_no_longer_found(account: Account, ann: int, dogs: str) -> None:
    account.put(f"/v1/contacts/{ann}/labels/{dogs}")
    assert account.delete(f"/v1/contacts/{ann}").status_code == 204
    assert account.get(f"/v1/contacts/{ann}").status_code == 404
    assert account.delete(f"/v1/contacts/{ann}").status_code == 404
    assert account.get("/v1/contacts?email=ann@example.com").json()["total"] == 0
    assert account.get(f"/v1/labels/{dogs}/contacts").json()["items"] == []
    assert account.make("/v1/contacts", {"email": "ann@example.com"})["id"] > ann


def test_a_request_repeated_with_an_idempotency_key_is_executed_once(account: Account) -> None:
    headers = {"Idempotency-Key": "once"}
    body = {"email": "ann@example.com"}
    first = account.post("/v1/contacts", json=body, headers=headers)
    again = account.post("/v1/contacts", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
