"""Delivery is killed repeatedly while the mail server rejects mails, delays them and drops connections."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from deploy.embedded.ports import free_port
from services.delivery.domain.composing import message_id
from shared.bus.connection import client_options
from shared.bus.topics import ensure_topics
from shared.events.codec import body_of, headers_of
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactChanged
from shared.events.messages import CampaignMessageRequested, Cause
from shared.events.parts import Send
from shared.events.topics import partition_of
from shared.settings import CommonSettings
from tests.conftest import TestKafka, TestPostgres
from tests.services.delivery.renderer import renderer
from tests.shared.http.serving import serving
from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import Sandbox
from tests.stack.topics import read_topic
from tests.stack.waiting import until

ACCOUNT, CAMPAIGN, MESSAGE = 1, UUID(int=2), UUID(int=1)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTACTS = 400
CONNECTIONS = 8
# Claims of a killed process expire after this time; claims of mails that it was sending, after twice as long.
CLAIM_SECONDS = 5
KILLED_AT = (0.1, 0.4, 0.6)  # kill delivery once the server has accepted these shares of all mails
SETTLED_WITHIN = 90.0  # seconds
# How the server treats the mail of a contact, by `contact_id % 20`; most mails are accepted at once.
BEHAVIOURS = {3: "later", 5: "nobody", 7: "slow", 11: "lost", 13: "torn"}


def address_of(contact_id: int) -> str:
    behaviour = next((name for number, name in BEHAVIOURS.items() if contact_id % 20 == number), "taken")
    return f"{behaviour}{contact_id}@example.com"


def contact(contact_id: int) -> ContactChanged:
    return ContactChanged(
        occurred_at=NOW, account_id=ACCOUNT, contact_id=contact_id, external_id=None, email=address_of(contact_id),
        fields={}, state="active", subscription="subscribed", tracking_consent="granted",
    )  # fmt: skip


def request(contact_id: int) -> CampaignMessageRequested:
    return CampaignMessageRequested(
        occurred_at=NOW,
        account_id=ACCOUNT,
        contact_id=contact_id,
        message_id=MESSAGE,
        send=Send(kind="campaign", id=str(CAMPAIGN), sent_at=NOW),
        cause=Cause(kind="campaign", campaign_id=CAMPAIGN),
        idempotency_key=key_of(contact_id),
    )


def key_of(contact_id: int) -> str:
    return f"campaign:{CAMPAIGN}:{contact_id}"


@contextmanager
def mail_server(file: Path) -> Iterator[int]:
    """Start the counting mail server in a process of its own; return its port."""
    port = free_port()
    process = subprocess.Popen((sys.executable, "-m", "tests.stack.mail_server", str(port), str(file)))
    try:
        yield port
    finally:
        process.kill()
        process.wait()


async def publish(settings: CommonSettings, events: list[ContactEvent], first: int) -> None:
    """Write events to their topics, as the services that own them do."""
    producer = AIOKafkaProducer(**client_options(settings))
    await producer.start()
    try:
        for sequence, event in enumerate(events, first):
            headers = headers_of(event.type(), event.event_id, "/test", NOW, sequence, {}, None, None, None)
            number = partition_of(event.account_id, event.contact_id, settings.partitions)
            topic = settings.topic_prefix + event.topic
            await producer.send(topic, body_of(event), event.key.encode(), number, headers=headers)
        await producer.flush()
    finally:
        await producer.stop()


class Post:
    """Delivery, and the file to which the mail server writes the accepted mails."""

    def __init__(self, sandbox: Sandbox, process: ServiceProcess, pool: "asyncpg.Pool[Any]", book: Path) -> None:
        self.sandbox = sandbox
        self.process = process
        self.pool = pool
        self.book = book

    def accepted(self) -> Counter[str]:
        """Return how often the server has accepted each mail, by the part of the Message-ID before the `@`."""
        lines = self.book.read_text().splitlines() if self.book.exists() else []
        return Counter(line.partition("@")[0] for line in lines)

    async def states(self) -> dict[str, str]:
        rows = await self.pool.fetch("SELECT idempotency_key, state FROM mails")
        return {row["idempotency_key"]: row["state"] for row in rows}

    async def has_accepted(self, number: int) -> bool:
        return sum(self.accepted().values()) >= number

    async def all_are_final(self) -> bool:
        """Make the next attempt of queued mails due, and return whether every mail is in a final state."""
        await self.pool.execute("UPDATE mails SET next_attempt_at = now() WHERE state = 'queued'")
        states = Counter((await self.states()).values())
        return sum(states.values()) == CONTACTS and not states["queued"] and not states["begun"]

    async def reports(self) -> set[str]:
        """Return the ids of the reports; a report that was published twice has one id."""
        records = await read_topic(self.sandbox.settings, "intake.engagements")
        return {dict(one.headers)["ce_id"].decode() for one in records}


@asynccontextmanager
async def post_office(kafka: TestKafka, postgres: TestPostgres, folder: Path) -> AsyncIterator[Post]:
    """Provide delivery, not started yet, with a mail server and a renderer."""
    sandbox = Sandbox(kafka, postgres, folder)
    try:
        await ensure_topics(sandbox.settings)
        with mail_server(folder / "book") as port:
            async with serving(renderer()) as tracking:
                process = sandbox.service(
                    "delivery",
                    PENCHANT_SMTP=f"smtp://127.0.0.1:{port}",
                    PENCHANT_DELIVERY_KEY="pk_of_the_test",
                    PENCHANT_DELIVERY_CONNECTIONS=str(CONNECTIONS),
                    PENCHANT_DELIVERY_CLAIM_SECONDS=str(CLAIM_SECONDS),
                    PENCHANT_TRACKING_URL=str(tracking.base_url),
                )
                async with asyncpg.create_pool(sandbox.database("delivery"), min_size=1, max_size=2) as pool:
                    yield Post(sandbox, process, pool, folder / "book")
    finally:
        sandbox.clear()


@pytest.mark.fault
@pytest.mark.timeout(300)
@pytest.mark.asyncio
async def test_mails_are_sent_at_most_once_and_all_reported_when_delivery_is_killed(
    kafka: TestKafka, postgres: TestPostgres, tmp_path: Path
) -> None:
    async with post_office(kafka, postgres, tmp_path) as post:
        await asyncio.to_thread(post.process.start)
        contact_ids = range(1, CONTACTS + 1)
        await publish(post.sandbox.settings, [contact(one) for one in contact_ids], 1)
        await publish(post.sandbox.settings, [request(one) for one in contact_ids], CONTACTS + 1)
        for share in KILLED_AT:
            await until(partial(post.has_accepted, int(CONTACTS * share)), SETTLED_WITHIN)
            post.process.kill()
            await asyncio.to_thread(post.process.start)
        # The same requests again, as from a relay that has lost its position.
        await publish(post.sandbox.settings, [request(one) for one in contact_ids], CONTACTS + 1)
        await until(post.all_are_final, SETTLED_WITHIN)
        states, accepted = await post.states(), post.accepted()
        assert accepted
        assert set(accepted.values()) == {1}, "a mail was accepted twice"
        for contact_id in contact_ids:
            state = states[key_of(contact_id)]
            was_accepted = message_id(f"{ACCOUNT}:{key_of(contact_id)}", "").removesuffix("@>") in accepted
            _check_state(address_of(contact_id), state, was_accepted=was_accepted)
        # Each connection was sending at most one mail when the process was killed.
        ordinary = [key_of(one) for one in contact_ids if not address_of(one).startswith(("lost", "torn"))]
        assert sum(states[key] == "uncertain" for key in ordinary) <= len(KILLED_AT) * CONNECTIONS
        expected = {f"{ACCOUNT}/{key}/{state}" for key, state in states.items()}

        async def are_reported() -> bool:
            return await post.reports() == expected

        await until(are_reported, SETTLED_WITHIN)


def _check_state(address: str, state: str, *, was_accepted: bool) -> None:
    """Check that the state agrees with the server; a mail is uncertain only after a broken connection or a kill."""
    if address.startswith("nobody"):
        assert (state, was_accepted) in (("bounced", False), ("uncertain", False)), (address, state)
    elif address.startswith(("lost", "torn")):
        assert state == "uncertain", (address, state)
    else:
        assert state in ("sent", "uncertain"), (address, state)
        assert was_accepted or state == "uncertain", address
