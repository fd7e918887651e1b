"""Accounts, keys, labels and fields, over HTTP."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest
from uuid_utils.compat import uuid7

from shared.events.segmentation import CampaignAudience, CampaignChanged, CampaignState, SegmentChanged
from tests.services.labeling.api.conftest import OPERATOR, Account, Running
from tests.services.labeling.api.events import publish
from tests.services.labeling.api.waiting import until
from tests.services.labeling.shop import NOON


def test_only_the_operator_creates_accounts(running: Running, account: Account) -> None:
    body = {"name": "x"}
    assert httpx.post(f"{running.process.url}/v1/accounts", json=body).status_code == 401
    assert account.post("/v1/accounts", json=body).status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "\u200b\u2060"}, "/name"),
        ({"name": " \u3164 "}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "Shop\0"}, "/name"),
        ({"name": "Shop", "time_zone": "Europe/Nowhere"}, "/time_zone"),
        ({"name": "Shop", "time_zone": "../etc/passwd"}, "/time_zone"),
        ({"name": "Shop", "time_zone": "europe/brussels"}, "/time_zone"),
    ],
)
def test_invalid_settings_of_an_account_are_rejected(
    running: Running, account: Account, body: dict[str, Any], pointer: str
) -> None:
    operator = {"Authorization": f"Bearer {OPERATOR}"}
    made = httpx.post(f"{running.process.url}/v1/accounts", json=body, headers=operator)
    changed = account.with_key("admin").patch("/v1/account", json=body)
    for answer in (made, changed):
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_an_account_shows_its_id_name_and_time_zone(account: Account) -> None:
    shown = account.get("/v1/account").json()
    assert (shown["account_id"], shown["name"], shown["time_zone"]) == (
        account.account_id,
        "Pet shop",
        "Europe/Brussels",
    )


def test_a_key_works_immediately_and_is_rejected_soon_after_its_deletion(account: Account) -> None:
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


def test_labels_are_created_renamed_hidden_and_listed(account: Account) -> None:
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
def test_invalid_labels_are_rejected(account: Account, body: dict[str, Any]) -> None:
    answer = account.post("/v1/labels", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"]


def test_names_of_labels_are_unique_regardless_of_case(account: Account) -> None:
    account.make("/v1/labels", {"name": "Dogs"})
    assert account.post("/v1/labels", json={"name": "DOGS"}).status_code == 409


def test_deleting_a_label_starts_a_job_that_removes_it_from_all_holders(account: Account) -> None:
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
    # The name is available again.
    account.make("/v1/labels", {"name": "Dogs"})


def test_fields_are_created_changed_and_deleted(account: Account) -> None:
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
def test_invalid_fields_are_rejected(account: Account, body: dict[str, Any], pointer: str) -> None:
    answer = account.post("/v1/fields", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_objects_of_another_account_are_not_found(account: Account, new_account: Callable[[], Account]) -> None:
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


def test_the_text_of_a_key_is_never_stored(running: Running, account: Account) -> None:
    headers = {"Idempotency-Key": "make-key-1"}
    body = {"name": "sync", "scopes": ["read"]}
    made = account.post("/v1/keys", json=body, headers=headers)
    assert made.status_code == 201
    assert account.post("/v1/keys", json=body, headers=headers).status_code == 409
    operator = {"Authorization": f"Bearer {OPERATOR}", "Idempotency-Key": "make-account-1"}
    url = f"{running.process.url}/v1/accounts"
    new = httpx.post(url, json={"name": "Once"}, headers=operator)
    assert new.status_code == 201
    assert httpx.post(url, json={"name": "Once"}, headers=operator).status_code == 409
    listed = httpx.get(url, params={"limit": 1000}, headers=operator).json()["items"]
    assert [item["name"] for item in listed].count("Once") == 1
    for secret in (made.json()["key"], new.json()["api_key"]):
        assert not asyncio.run(occurrences(running.dsn, secret))


async def occurrences(dsn: str, text: str) -> list[str]:
    """Return the tables that contain a text."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch(
            "SELECT format('%I', relname) AS name FROM pg_class "
            "WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        )
        found = []
        for table in tables:
            query = f"SELECT count(*) FROM {table['name']} AS t WHERE t::text ~ $1 OR t::text ~ $2"
            if await connection.fetchval(query, text, text.encode().hex()):
                found.append(table["name"])
        return found
    finally:
        await connection.close()


def test_an_account_shows_and_changes_its_settings(account: Account) -> None:
    brand = {"name": "Paws & Co", "colour": "#0a7f5a"}
    changed = account.patch("/v1/account", json={"brand": brand, "languages": ["nl", "fr"]})
    assert changed.status_code == 200, changed.text
    shown = account.get("/v1/account").json()
    assert (shown["brand"]["name"], shown["languages"], shown["track_unknown_consent"]) == (
        "Paws & Co",
        ["nl", "fr"],
        True,
    )
    wrong = account.patch("/v1/account", json={"brand": {"name": "x", "colour": "red"}})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/brand/colour")
    assert account.patch("/v1/account", json={"sender_domains": ["x.example"]}).status_code == 422


def test_the_operator_changes_and_deletes_accounts(running: Running, account: Account) -> None:
    operator = {"Authorization": f"Bearer {OPERATOR}"}
    url = f"{running.process.url}/v1/accounts/{account.account_id}"
    granted = httpx.patch(url, json={"sender_domains": ["Shop.example"]}, headers=operator)
    assert granted.json()["sender_domains"] == ["shop.example"]
    account.make("/v1/contacts", {"email": "ann@example.com"})
    assert httpx.delete(url, headers=operator).json()["state"] == "deleted"
    until(lambda: account.get("/v1/labels").status_code == 401, within=2)
    assert httpx.delete(url, headers=operator).status_code == 404
    count = f"SELECT count(*) FROM contacts WHERE account_id = {account.account_id}"
    until(lambda: asyncio.run(fetch_value(running.dsn, count)) == 0)


async def fetch_value(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def test_a_pipeline_key_reads_contacts_of_the_account_in_the_header(running: Running, account: Account) -> None:
    operator = {"Authorization": f"Bearer {OPERATOR}"}
    made = httpx.post(
        f"{running.process.url}/v1/keys", json={"name": "mails", "scopes": ["pipeline"]}, headers=operator
    )
    assert made.status_code == 201, made.text
    account.make("/v1/contacts", {"email": "ann@example.com"})
    headers = {"Authorization": f"Bearer {made.json()['key']}", "Penchant-Account": str(account.account_id)}
    contacts = httpx.get(f"{running.process.url}/v1/contacts", headers=headers)
    assert [contact["email"] for contact in contacts.json()["items"]] == ["ann@example.com"]
    assert httpx.get(f"{running.process.url}/v1/labels", headers=headers).status_code == 403
    assert account.post("/v1/keys", json={"name": "x", "scopes": ["pipeline"]}).status_code == 422


def campaign_for(account_id: int, criterion: dict[str, Any], state: CampaignState) -> CampaignChanged:
    return CampaignChanged(
        occurred_at=NOON,
        account_id=account_id,
        campaign_id=uuid7(),
        campaign_name=f"A campaign that is {state}",
        campaign_version=1,
        message_id=uuid7(),
        audience=CampaignAudience(include=(criterion,)),
        hold_out_percent=0,
        state=state,
    )


def test_deleting_a_label_in_use_requires_force(running: Running, account: Account) -> None:
    dogs = account.make("/v1/labels", {"name": "Dogs"})["id"]
    segment = SegmentChanged(
        occurred_at=NOON,
        account_id=account.account_id,
        segment_id=uuid7(),
        segment_name="Dog lovers",
        segment_version=1,
        criterion={"label": {"id": dogs}},
    )
    sending = campaign_for(account.account_id, {"label": {"id": dogs}}, "sending")
    over = campaign_for(account.account_id, {"label": {"id": dogs}}, "done")
    asyncio.run(publish(running, segment))
    asyncio.run(publish(running, sending))
    asyncio.run(publish(running, over))
    refused = account.delete(f"/v1/labels/{dogs}")
    assert refused.status_code == 409
    uses = [("segment", "Dog lovers"), ("campaign", "A campaign that is sending")]
    assert [(use["kind"], use["name"]) for use in refused.json()["uses"]] == uses
    assert [use["kind"] for use in account.get(f"/v1/labels/{dogs}/uses").json()["items"]] == ["segment", "campaign"]
    assert account.delete(f"/v1/labels/{dogs}?force=true").status_code == 202


def test_deleting_a_field_in_use_requires_force(running: Running, account: Account) -> None:
    account.make("/v1/fields", {"key": "city", "name": "City", "type": "text"})
    segment = SegmentChanged(
        occurred_at=NOON,
        account_id=account.account_id,
        segment_id=uuid7(),
        segment_name="Gent",
        segment_version=1,
        criterion={"not": {"field": {"key": "city", "is": "Gent"}}},
    )
    asyncio.run(publish(running, segment))
    account.make("/v1/forms", {"name": "Contest", "fields": ["city"], "labels": []})
    refused = account.delete("/v1/fields/city")
    assert refused.status_code == 409
    assert [(use["kind"], use["name"]) for use in refused.json()["uses"]] == [("segment", "Gent"), ("form", "Contest")]
    assert account.delete("/v1/fields/city?force=true").status_code == 204
