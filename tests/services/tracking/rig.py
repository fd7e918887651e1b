"""A process of tracking on a real Kafka and PostgreSQL; the tests act as labeling, as the pipeline and as contacts."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from itertools import count as counter
from typing import Any, TypeVar

import asyncpg
import httpx
import msgspec
from aiokafka import AIOKafkaProducer
from uuid_utils.compat import uuid7

from shared.bus.connection import client_options
from shared.events.codec import body_of, headers_of
from shared.events.envelope import ContactEvent, Event
from shared.events.labeling import ApiKeyChanged, ContactChanged, LabelChanged, Scope
from shared.events.topics import partition_of
from shared.events.tracking import ContactClicked
from shared.http.keys import generate, hash_of
from shared.settings import CommonSettings
from tests.services.tracking.process import PARTITIONS, TrackingProcess
from tests.stack.topics import read_topic
from tests.stack.waiting import until

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SEQUENCES = counter(1)  # of labeling's events, which all come from this run of the tests

Found = TypeVar("Found")


class Rig:
    """An account in a running process.

    `http` sends a key of the account with the scopes `read` and `write`; `browser` acts as a contact's browser.
    """

    http: httpx.AsyncClient

    def __init__(
        self,
        process: TrackingProcess,
        pool: asyncpg.Pool,
        producer: AIOKafkaProducer,
        account_id: int,
        browser: httpx.AsyncClient,
    ) -> None:
        self.process = process
        self.settings = settings_of(process)
        self.pool = pool
        self.account_id = account_id
        self.browser = browser
        self._producer = producer

    # Actions of labeling

    async def publish(self, *events: Event) -> None:
        """Publish events as labeling does."""
        for event in events:
            partition = 0
            if isinstance(event, ContactEvent):
                partition = partition_of(event.account_id, event.contact_id, PARTITIONS)
            headers = headers_of(
                event.type(), event.event_id, "/labeling", event.occurred_at, next(SEQUENCES), {}, None, None, None
            )
            await self._producer.send_and_wait(
                self.settings.topic_prefix + event.topic, body_of(event), event.key.encode(), partition, headers=headers
            )

    async def publish_tombstone(self, contact_id: int) -> None:
        """Publish a tombstone of a contact."""
        headers = headers_of("tombstone", uuid7(), "/labeling", NOW, next(SEQUENCES), {}, None, None, None)
        await self._producer.send_and_wait(
            self.settings.topic_prefix + "labeling.contacts", None, f"{self.account_id}:{contact_id}".encode(),
            partition_of(self.account_id, contact_id, PARTITIONS), headers=headers,
        )  # fmt: skip

    async def client(self, *scopes: Scope, account_id: int | None = None) -> httpx.AsyncClient:
        """Return a client with a new API key that has `scopes`."""
        key = generate()
        event: dict[str, Any] = {"occurred_at": NOW, "account_id": account_id or self.account_id, "key_id": uuid7()}
        await self.publish(ApiKeyChanged(**event, hash=hash_of(key), scopes=scopes, revoked=False))
        headers = {"authorization": f"Bearer {key}"}
        return httpx.AsyncClient(base_url=self.process.url, headers=headers, timeout=30)

    async def contacts(self, *contact_ids: int, **state: Any) -> None:
        """Publish contacts, and return once tracking has stored them."""
        await self.publish(*(self.contact(contact_id, **state) for contact_id in contact_ids))
        wanted = state.get("state", "active"), state.get("tracking_consent", "granted")
        count = """
        SELECT count(*) FROM contacts WHERE account_id = $1 AND contact_id = ANY($2) AND (state, consent) = ($3, $4)
        """

        async def all_stored() -> bool:
            return bool(await self.pool.fetchval(count, self.account_id, contact_ids, *wanted) == len(contact_ids))

        await until(all_stored)

    async def label(self, name: str, **changes: Any) -> str:
        """Publish a new label, or a change of one; return its id."""
        values: dict[str, Any] = {
            "occurred_at": NOW, "account_id": self.account_id, "label_id": uuid7(), "label_name": name,
            "description": "", "visibility": "public",
        }  # fmt: skip
        event = LabelChanged(**values | changes)
        await self.publish(event)
        return str(event.label_id)

    # Actions of a pipeline and of contacts

    async def message(self, html: str, client: httpx.AsyncClient | None = None) -> dict[str, Any]:
        answer = await (client or self.http).post("/v1/messages", json={"name": "Spring", "html": html})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def tokens(
        self, message: Mapping[str, Any], *contact_ids: int, send: object = None
    ) -> dict[int, dict[str, str]]:
        """Return the tracked links of a send, by contact and link id."""
        body = {"contact_ids": contact_ids} | ({"send": send} if send else {})
        answer = await self.http.post(f"/v1/messages/{message['id']}/tokens", json=body)
        assert answer.status_code == 200, answer.text
        return {line["contact_id"]: line["links"] for line in map(json.loads, answer.text.splitlines())}

    async def report(self, *reports: Mapping[str, Any], status: int = 202) -> dict[str, Any]:
        answer = await self.http.post("/v1/clicks", json=reports)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    async def publish_report(
        self, value: bytes | None, headers: Iterable[tuple[str, bytes | None]], partition: int = 0
    ) -> None:
        """Publish a record on intake.clicks, which may be invalid."""
        await self._producer.send_and_wait(
            self.settings.topic_prefix + "intake.clicks", value, b"key", partition, headers=list(headers)
        )

    # Results

    async def read(self, topic: str) -> list[Any]:
        """Return all committed records of a topic, ordered by partition."""
        return await read_topic(self.settings, topic)

    async def click_events(self, count: int) -> list[ContactClicked]:
        """Wait for `count` events of the account on tracking.clicks; return them ordered by contact."""

        async def all_published() -> list[ContactClicked]:
            records = _without_repeats(await self.read("tracking.clicks"))
            events = [msgspec.json.decode(record.value, type=ContactClicked) for record in records]
            found = [event for event in events if event.account_id == self.account_id]
            return found if len(found) >= count else []

        events = await until(all_published)
        assert len(events) == count
        return sorted(events, key=lambda event: event.contact_id)

    async def dead_letter_headers(self, report_id: str) -> dict[str, str]:
        """Wait for the dead letter of a report; return its headers."""

        async def found() -> dict[str, str] | None:
            for record in await self.read("intake.clicks.dead"):
                headers = {name: value.decode("latin-1") for name, value in record.headers if value is not None}
                if headers.get("ce_id") == report_id:
                    return headers
            return None

        headers: dict[str, str] = await until(found)
        return headers

    async def numbers(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Return the statistics of a message."""
        answer = await self.http.get(f"/v1/messages/{message['id']}/stats")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def held_count(self) -> int:
        """Return the number of held clicks of the account."""
        count: int = await self.pool.fetchval(
            "SELECT count(*) FROM held WHERE state = 'waiting' AND convert_from(value, 'UTF8') ~ $1",
            f'"account_id":{self.account_id}[,}}]',
        )
        return count

    def contact(self, contact_id: int, **state: Any) -> ContactChanged:
        """Return an event with the state of a contact."""
        values: dict[str, Any] = {
            "occurred_at": NOW, "account_id": self.account_id, "contact_id": contact_id,
            "external_id": f"e{contact_id}", "email": f"c{contact_id}@people.example", "fields": {},
            "state": "active", "subscription": "subscribed", "tracking_consent": "granted",
        }  # fmt: skip
        return ContactChanged(**values | state)


def _without_repeats(records: Iterable[Any]) -> Iterator[Any]:
    """Yield each event once: a relay that was killed publishes some events again, with the same sequence."""
    seen: dict[int, int] = {}
    for record in records:
        sequence = int(dict(record.headers)["ce_sequence"])
        if sequence > seen.get(record.partition, 0):
            seen[record.partition] = sequence
            yield record


def click(message: Mapping[str, Any], contact_id: int | None = 7, link: int = 0, **more: Any) -> dict[str, Any]:
    """Return a report of a click in the format of the API."""
    report = {
        "message_id": message["id"],
        "contact_id": contact_id,
        "link_id": message["links"][link]["id"],
        "occurred_at": NOW.isoformat(),
        "user_agent": BROWSER,
    }
    return {name: value for name, value in (report | more).items() if value is not None}


def settings_of(process: TrackingProcess) -> CommonSettings:
    """Return settings for a client of the process's Kafka."""
    return CommonSettings(kafka=process.bootstrap, topic_prefix=process.prefix, partitions=PARTITIONS)


@asynccontextmanager
async def open_rig(process: TrackingProcess, account_id: int) -> AsyncIterator[Rig]:
    """Provide an account in a running process, with clients that are closed at the end."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(asyncpg.create_pool(process.dsn, min_size=1, max_size=2))
        producer = AIOKafkaProducer(**client_options(settings_of(process)))
        await producer.start()
        stack.push_async_callback(producer.stop)
        browser = await stack.enter_async_context(httpx.AsyncClient(headers={"user-agent": BROWSER}, timeout=60))
        rig = Rig(process, pool, producer, account_id, browser)
        rig.http = await stack.enter_async_context(await rig.client("read", "write"))
        yield rig
