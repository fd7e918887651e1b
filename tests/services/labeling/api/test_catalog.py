"""Accounts, keys, labels, fields: over HTTP."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.services.labeling.api.conftest import Account, Running
from tests.services.labeling.api.waiting import until


def test_only_the_operator_makes_accounts(running: Running, account: Account) -> None:
    body = {"name": "x"}
    assert httpx.post(f"{running.process.url}/v1/accounts", json=body).status_code == 401
    assert account.post("/v1/accounts", json=body).status_code == 401


def test_an_account_knows_itself(account: Account) -> None:
    shown = account.get("/v1/account").json()
    assert (shown["account_id"], shown["name"], shown["time_zone"]) == (
        account.account_id,
        "Pet shop",
        "Europe/Brussels",
    )


def test_a_key_works_at_once_and_stops_at_once(account: Account) -> None:
    made = account.make("/v1/keys", {"name": "reader", "scopes": ["read"]})
    reader = {"Authorization": f"Bearer {made['key']}"}
    url = account.base_url
    assert httpx.get(f"{url}/v1/labels", headers=reader).status_code == 200
    assert httpx.post(f"{url}/v1/labels", headers=reader, json={"name": "x"}).status_code == 403
    listed = account.get("/v1/keys").json()
    assert {key["name"] for key in listed["items"]} == {"first key", "reader"}
    assert made["key"] not in account.get("/v1/keys").text
    assert account.delete(f"/v1/keys/{made['id']}").status_code == 204
    until(lambda: httpx.get(f"{url}/v1/labels", headers=reader).status_code == 401, within=1.5)


def test_labels_are_made_renamed_hidden_and_listed(account: Account) -> None:
    made = account.post("/v1/labels", json={"name": "  Dogs ", "description": "Woof"})
    assert made.status_code == 201
    dogs = made.json()
    assert (dogs["name"], dogs["description"], dogs["visibility"], dogs["state"]) == (
        "Dogs",
        "Woof",
        "private",
        "active",
    )
    assert made.headers["location"] == f"/v1/labels/{dogs['id']}"
    changed = account.patch(f"/v1/labels/{dogs['id']}", json={"name": "Hounds", "state": "hidden", "description": None})
    assert changed.json() | {"created_at": ""} == dogs | {
        "name": "Hounds",
        "state": "hidden",
        "description": "",
        "aliases": ["Dogs"],
        "created_at": "",
    }
    account.make("/v1/labels", {"name": "Cats"})
    page = account.get("/v1/labels?limit=1").json()
    assert ([label["name"] for label in page["items"]], page["total"]) == (["Hounds"], 2)
    rest = account.get("/v1/labels", params={"limit": 1, "cursor": page["next_cursor"]}).json()
    assert ([label["name"] for label in rest["items"]], rest["next_cursor"]) == (["Cats"], None)


@pytest.mark.parametrize(
    "body", [{"name": ""}, {"name": "a,b"}, {"name": "x" * 101}, {}, {"name": 1}, {"name": "x", "y": 1}]
)
def test_labels_that_cannot_be(account: Account, body: dict[str, Any]) -> None:
    answer = account.post("/v1/labels", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"]


def test_a_name_is_unique_without_case(account: Account) -> None:
    account.make("/v1/labels", {"name": "Dogs"})
    assert account.post("/v1/labels", json={"name": "DOGS"}).status_code == 409


def test_deleting_a_label_is_a_job_that_takes_it_from_all(account: Account) -> None:
    dogs = account.make("/v1/labels", {"name": "Dogs"})
    rows = [{"email": f"p{number}@example.com", "labels": ["dogs"]} for number in range(20)]
    account.make("/v1/contacts/batch", rows)
    assert len(account.get(f"/v1/labels/{dogs['id']}/contacts").json()["items"]) == 20
    started = account.delete(f"/v1/labels/{dogs['id']}")
    assert started.status_code == 202
    job = started.headers["location"]
    until(lambda: account.get(job).json()["state"] == "done")
    assert account.get(job).json()["result"] == {"removed": 20}
    assert account.get(job).json()["progress"] == {"done": 20, "total": 20, "seconds_left": None}
    assert account.get(f"/v1/labels/{dogs['id']}").status_code == 404
    assert account.get("/v1/jobs").json()["items"][0]["kind"] == "label_deletion"
    # The name is free again.
    account.make("/v1/labels", {"name": "Dogs"})


def test_fields_are_made_changed_and_deleted(account: Account) -> None:
    made = account.make("/v1/fields", {"key": "size", "name": "Size", "type": "choice", "choices": ["S", "L"]})
    assert made == {"key": "size", "name": "Size", "type": "choice", "choices": ["S", "L"]}
    assert account.post("/v1/fields", json={"key": "size", "name": "x", "type": "text"}).status_code == 409
    account.make("/v1/contacts", {"email": "ann@example.com", "fields": {"size": "s"}})
    changed = account.patch("/v1/fields/size", json={"choices": ["S", "M", "L"]}).json()
    assert changed["choices"] == ["S", "M", "L"]
    assert account.delete("/v1/fields/size").status_code == 204
    assert account.get("/v1/fields/size").status_code == 404
    until(lambda: account.get("/v1/contacts?email=ann@example.com").json()["items"][0]["fields"] == {})
    assert account.get("/v1/fields").json()["total"] == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"key": "Size", "name": "x", "type": "text"}, "/key"),
        ({"key": "size", "name": "", "type": "text"}, "/name"),
        ({"key": "size", "name": "x", "type": "money"}, "/type"),
        ({"key": "size", "name": "x", "type": "choice"}, "/choices"),
        ({"key": "size", "name": "x", "type": "text", "choices": ["a"]}, "/choices"),
    ],
)
def test_fields_that_cannot_be(account: Account, body: dict[str, Any], pointer: str) -> None:
    answer = account.post("/v1/fields", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_what_belongs_to_another_account_is_not_there(account: Account, new_account: Callable[[], Account]) -> None:
    other = new_account()
    label = other.make("/v1/labels", {"name": "Snakes"})["id"]
    field = other.make("/v1/fields", {"key": "city", "name": "City", "type": "text"})["key"]
    contact = other.make("/v1/contacts", {"email": "ann@example.com", "external_id": "x"})["id"]
    key = other.make("/v1/keys", {"name": "k", "scopes": ["read"]})["id"]
    job = other.delete(f"/v1/labels/{other.make('/v1/labels', {'name': 'Old'})['id']}").json()["id"]
    mine = account.make("/v1/labels", {"name": "Mine"})["id"]
    for method, path in [
        ("GET", f"/v1/labels/{label}"),
        ("PATCH", f"/v1/labels/{label}"),
        ("DELETE", f"/v1/labels/{label}"),
        ("GET", f"/v1/labels/{label}/contacts"),
        ("GET", f"/v1/contacts?label={label}"),
        ("GET", f"/v1/fields/{field}"),
        ("PATCH", f"/v1/fields/{field}"),
        ("DELETE", f"/v1/fields/{field}"),
        ("DELETE", f"/v1/keys/{key}"),
        ("GET", f"/v1/jobs/{job}"),
        ("GET", f"/v1/contacts/{contact}"),
        ("GET", "/v1/contacts/external:x"),
        ("PATCH", f"/v1/contacts/{contact}"),
        ("DELETE", f"/v1/contacts/{contact}"),
        ("GET", f"/v1/contacts/{contact}/labels"),
        ("GET", f"/v1/contacts/{contact}/engagements"),
        ("PUT", f"/v1/contacts/{contact}/labels/{mine}"),
        ("DELETE", f"/v1/contacts/{contact}/labels/{mine}"),
        ("GET", f"/v1/contacts/{contact}/labels/{mine}/history"),
    ]:
        body: dict[str, str] | None = {} if method == "PATCH" else None
        assert account.request(method, path, json=body).status_code == 404, (method, path)
    listed = [path for path in ("/v1/contacts", "/v1/fields", "/v1/jobs") if account.get(path).json()["items"]]
    assert listed == []
