"""Soon after a contact is erased, no store contains its personal data; its clicks stay counted."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import orjson
import pytest

from shared.events.topics import TOPICS
from tests.scenarios.scene import SERVICES, Account, Scene
from tests.stack.topics import read_topic

WITHIN = 20.0  # seconds on a busy machine; less than one on an idle machine
HTML = '<a href="https://shop.example/shoes?a=1&amp;b=2">Shoes</a>'
# Kafka deletes the records of intake topics by retention, and those of labeling.contacts by compaction.
DELETED_BY_KAFKA = {"labeling.contacts", "intake.clicks", "intake.engagements"}
COLUMNS = """
SELECT table_name::text AS "table", column_name::text AS "column", data_type::text AS type
FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1, 2
"""


class Person:
    """A contact with a unique word in all its personal data."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.word = f"quetzal{uuid4().hex[:12]}"
        self.email = f"Anna.{self.word}@Customers.example"
        self.external_id = f"crm-{self.word}"
        self.browser = {"User-Agent": f"Mozilla/5.0 {self.word}", "Referer": f"https://mail.example/{self.word}"}
        self.contact_id = 0

    def join(self) -> None:
        """Create the contact, with stored answers for the idempotency keys, and fail to create it a second time."""
        rows = [{"email": self.email, "external_id": self.external_id, "fields": {"motto": f"quetzals {self.word}"}}]
        imported = self.account.post("labeling", "/v1/contacts/batch", rows, Idempotency_Key=f"import-{uuid4()}")
        (self.contact_id,) = imported["contact_ids"]
        again = self.account.request(
            "labeling", "POST", "/v1/contacts", json={"email": self.email.upper()}, headers={"Idempotency-Key": "again"}
        )
        assert again.status_code == 409
        self.account.ask("labeling", "PATCH", f"/v1/contacts/{self.contact_id}", {"source": f"fair-{self.word}"})
        for query in (f"?email={self.email}", f"?external_id={self.external_id}"):
            assert self.account.get("labeling", f"/v1/contacts{query}")["items"][0]["contact_id"] == self.contact_id
        assert self.account.get("labeling", f"/v1/contacts/external:{self.external_id}")

    def engage(self, **reference: object) -> None:
        """Report a submitted form, with data that is never published."""
        now = datetime.now(UTC).isoformat()
        report = {"kind": "form.submitted", "occurred_at": now, "data": {"address": self.email, "essay": self.word}}
        self.account.post("labeling", "/v1/engagements", [report | reference], Idempotency_Key=f"form-{uuid4()}")

    def click(self, tracked: str) -> None:
        """Click on the link with a browser whose headers contain the word."""
        answer = httpx.get(tracked, headers=self.browser)
        assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.example/shoes?a=1&b=2")

    def report_clicks_on_an_unknown_message(self) -> None:
        """Report clicks on an unknown message by each identifier of the contact; the records are held."""
        now = datetime.now(UTC).isoformat()
        report = {"message_id": str(uuid4()), "url": "https://shop.example/", "occurred_at": now, "ip": "192.0.2.7"}
        names = ({"email": self.email.lower()}, {"external_id": self.external_id}, {"contact_id": self.contact_id})
        clicks = [report | name | {"user_agent": self.browser["User-Agent"]} for name in names]
        assert self.account.post("tracking", "/v1/clicks", clicks, Idempotency_Key="clicks")["accepted"] == len(names)


@pytest.mark.asyncio
@pytest.mark.timeout(300)
async def test_only_counts_remain_of_an_erased_contact(scene: Scene) -> None:
    with Account.open(scene, "Forgetful") as account:
        await _check_erasure(scene, account)


async def _check_erasure(scene: Scene, account: Account) -> None:
    account.post("labeling", "/v1/fields", {"key": "motto", "name": "Motto", "type": "text"})
    (shoes,) = account.labels("Shoes")
    message = account.message(HTML)
    link = message["links"][0]["id"]
    account.ask("tracking", "PUT", f"/v1/messages/{message['id']}/link-labels", {link: [shoes]})
    liked = {"field": {"key": "motto", "starts_with": "quetzals"}}
    criterion = {"all": [{"label": shoes}, liked]}
    segment = account.post("segmentation", "/v1/segments", {"name": "Walkers", "criterion": criterion})["id"]
    workflow = account.post(
        "workflow",
        "/v1/workflows",
        {
            "name": "Walk",
            "triggers": [{"on": "LabelAssigned", "label": shoes}],
            "condition": liked,
            "steps": [{"if": {"criterion": liked, "then": [{"wait": {"days": 3}}]}}],
        },
    )["id"]
    account.post("workflow", f"/v1/workflows/{workflow}/activate")

    person = Person(account)
    person.engage(email=person.email)  # held until the contact is created
    person.join()
    bystander = account.contacts(1)[0]
    tracked = account.tokens(message["id"], [person.contact_id])[person.contact_id]["links"][link]
    for _ in range(2):
        person.click(tracked)
    person.engage(external_id=person.external_id)
    person.report_clicks_on_an_unknown_message()

    def members() -> list[Any]:
        items: list[Any] = account.get("segmentation", f"/v1/segments/{segment}/members")["items"]
        return items

    def run() -> dict[str, Any]:
        items = account.get("workflow", f"/v1/workflows/{workflow}/runs")["items"]
        return items[0] if items else {}

    def engagements() -> int:
        return len(account.get("labeling", f"/v1/contacts/{person.contact_id}/engagements")["items"])

    _until(lambda: members() == [{"contact_id": person.contact_id}], "the contact enters the segment")
    _until(lambda: run().get("waiting") is not None, "the run waits")
    _until(lambda: engagements() == 2, "both engagements are stored")
    held = "SELECT count(*) FROM held WHERE encode(value, 'escape') ~ $1"
    await _until_rows(scene, "tracking", held, [person.word], 2)
    asked = {"criterion": liked, "contact_id": person.contact_id}
    account.post("segmentation", "/v1/criteria/explain", asked, Idempotency_Key="explain")
    account.post("workflow", f"/v1/workflows/{workflow}/try", {"contact_id": person.contact_id}, Idempotency_Key="try")
    # Before the erasure, the search finds the word.
    everywhere = await _columns_with(scene, person.word)
    assert {"labeling.contacts.email", "labeling.events.personal", "tracking.clicks.user_agent"} <= everywhere
    assert {"labeling.engagements.data", "tracking.held.value"} <= everywhere

    assert account.request("labeling", "DELETE", f"/v1/contacts/{person.contact_id}").status_code == 204

    deadline = monotonic() + WITHIN
    while left := await _columns_with(scene, person.word):
        assert monotonic() < deadline, left
    _until(lambda: members() == [], "the contact leaves the segment")
    _until(lambda: run()["state"] != "running", "the run ends")
    assert not list(_files_with(scene, person.word))
    assert account.get("labeling", f"/v1/contacts/{bystander}")["email"]
    await _check_topics(scene, account, person)
    await _check_that_later_clicks_are_dropped(account, person, message["id"], tracked)
    assert not await _columns_with(scene, person.word)


async def _check_topics(scene: Scene, account: Account, person: Person) -> None:
    """Check that the contact's last records are `erased` and a tombstone, and that no other topic has the word."""
    key = f"{account.account_id}:{person.contact_id}".encode()
    for topic, about in TOPICS.items():
        if about.kind == "dead":
            continue
        records = await read_topic(scene.sandbox.settings, topic)
        if topic == "labeling.contacts":
            *_, erased, tombstone = (record for record in records if record.key == key)
            assert tombstone.value is None
            assert orjson.loads(erased.value)["state"] == "erased"
            assert person.word.encode() not in erased.value.lower()
        elif topic not in DELETED_BY_KAFKA:
            assert not [record for record in records if person.word.encode() in (record.value or b"").lower()], topic


async def _check_that_later_clicks_are_dropped(account: Account, person: Person, message_id: str, tracked: str) -> None:
    before = _dropped(account)
    numbers = account.get("tracking", f"/v1/messages/{message_id}/stats")["clicks"]
    assert numbers == {"human": 2, "machine": 0, "unsure": 0}
    for _ in range(3):
        person.click(tracked)
    report = {"message_id": str(uuid4()), "url": "https://shop.example/", "contact_id": person.contact_id}
    account.post("tracking", "/v1/clicks", [report | {"occurred_at": datetime.now(UTC).isoformat(), "ip": "192.0.2.7"}])
    _until(lambda: _dropped(account) >= before + 4, "the clicks are counted as dropped")
    assert account.get("tracking", f"/v1/messages/{message_id}/stats")["clicks"] == numbers


def _dropped(account: Account) -> float:
    lines = account.request("tracking", "GET", "/metrics").text.splitlines()
    named = [line for line in lines if line.startswith("penchant_records_dropped_total{") and '"erased"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in named if "intake.clicks" in line)


async def _columns_with(scene: Scene, word: str) -> set[str]:
    """Return every service.table.column that contains the word, ignoring case, including bytea columns."""
    found = set()
    for service in SERVICES:
        connection = await asyncpg.connect(scene.sandbox.database(service))
        try:
            for place in await connection.fetch(COLUMNS):
                if await connection.fetchval(_search_query(place), word):
                    found.add(f"{service}.{place['table']}.{place['column']}")
        finally:
            await connection.close()
    return found


def _search_query(place: asyncpg.Record) -> str:
    column = f'"{place["column"]}"'
    text = f"encode({column}, 'escape')" if place["type"] == "bytea" else f"{column}::text"
    return f"""SELECT EXISTS (SELECT FROM "{place["table"]}" WHERE {text} ILIKE '%' || $1 || '%')"""


def _files_with(scene: Scene, word: str) -> Iterator[str]:
    """Yield the log and spool files that contain the word."""
    for path in scene.sandbox.folder.rglob("*"):
        if path.is_file() and word.encode() in path.read_bytes().lower():
            yield str(path)


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = monotonic() + WITHIN
    while not condition():
        assert monotonic() < deadline, f"not within {WITHIN:.0f} s: {what}"


async def _until_rows(scene: Scene, service: str, query: str, arguments: list[object], at_least: int) -> None:
    connection = await asyncpg.connect(scene.sandbox.database(service))
    try:
        deadline = monotonic() + WITHIN
        while (count := await connection.fetchval(query, *arguments)) < at_least:
            assert monotonic() < deadline, f"{count} instead of {at_least}"
            await asyncio.sleep(0.05)
    finally:
        await connection.close()
