"""Two concurrent relays, an outdated relay, and transactions that commit late or not at all."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime

import asyncpg
import pytest
import pytest_asyncio
from aiokafka.errors import ProducerFenced

from shared.bus.publisher import Publisher
from shared.bus.record import PartitionId
from shared.bus.relay import Relay
from shared.events.labeling import ContactChanged
from shared.events.topics import partition_of
from tests.shared.bus.rig import PARTITIONS, Rig, assigned, clicked, make_rig
from tests.stack.sandbox import Sandbox
from tests.stack.topics import read_topic
from tests.stack.waiting import until, until_equal

LEASE_EXPIRED = "UPDATE relay_lease SET renewed_at = '-infinity'"

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]


@pytest_asyncio.fixture
async def rig(sandbox: Sandbox) -> AsyncIterator[Rig]:
    settings = sandbox.settings
    async with make_rig(settings.kafka, sandbox.database("labeling"), settings.topic_prefix) as made:
        yield made


class StoppedPublisher(Publisher):
    """A publisher that waits between reading events and sending them, until the test resumes it."""

    resumed: asyncio.Event
    has_read: asyncio.Event

    async def publish(
        self, plain: Mapping[PartitionId, Sequence[asyncpg.Record]], compacted: Sequence[asyncpg.Record]
    ) -> None:
        self.has_read.set()
        await self.resumed.wait()
        await super().publish(plain, compacted)


def _stopped(rig: Rig) -> StoppedPublisher:
    publisher = StoppedPublisher("labeling", rig.settings)
    publisher.resumed, publisher.has_read = asyncio.Event(), asyncio.Event()
    return publisher


@pytest.mark.asyncio
async def test_duplicates_from_an_outdated_relay_are_skipped_by_their_sequence(rig: Rig) -> None:
    await _assign(rig, range(1, 9))
    publisher = _stopped(rig)
    old = asyncio.create_task(Relay(rig.database, lambda: publisher).run())
    await asyncio.wait_for(publisher.has_read.wait(), 20)
    await rig.database.pool.execute(LEASE_EXPIRED)
    async with rig.relay():
        await until_equal(lambda: _published(rig), 8)
        await _assign(rig, range(9, 17))
        await until_equal(lambda: _published(rig), 16)
        publisher.resumed.set()
        await until(lambda: _has_more_than(rig, 16))
    old.cancel()
    await asyncio.gather(old, return_exceptions=True)
    # A consumer that skips sequences it has seen gets each event once.
    seen: dict[int, int] = {}
    contacts = []
    for record in await read_topic(rig.settings, "labeling.labels"):
        sequence = int(dict(record.headers)["ce_sequence"])
        if sequence > seen.get(record.partition, 0):
            seen[record.partition] = sequence
            contacts.append(int(record.key.decode().partition(":")[2]))
    assert sorted(contacts) == list(range(1, 17))


@pytest.mark.asyncio
async def test_an_outdated_relay_cannot_republish_an_erased_contact(rig: Rig) -> None:
    number = partition_of(1, 5, PARTITIONS)
    async with rig.database.unit_of_work(number) as work:
        work.append(_contact(5), personal=True)
    publisher = _stopped(rig)
    old = asyncio.create_task(Relay(rig.database, lambda: publisher).run())
    await asyncio.wait_for(publisher.has_read.wait(), 20)
    await rig.database.pool.execute(LEASE_EXPIRED)
    async with rig.relay():
        async with rig.database.unit_of_work(number) as work:
            await work.erase_personal(1, 5)
            work.append_tombstone("labeling.contacts", 1, 5)
        await until(lambda: _has_tombstone(rig))
        publisher.resumed.set()
        with pytest.raises(ProducerFenced):
            await asyncio.wait_for(old, 20)
    values = [record.value for record in await read_topic(rig.settings, "labeling.contacts")]
    assert values
    assert not any(value and b"somebody@" in value for value in values)


@pytest.mark.asyncio
async def test_two_concurrent_relays_publish_every_event(rig: Rig) -> None:
    async with rig.relay(), rig.relay():
        for first in range(1, 400, 40):
            await _assign(rig, range(first, first + 40))
            # The lease only avoids duplicate work: both relays may run at the same time without losing an event.
            await rig.database.pool.execute(LEASE_EXPIRED)
        await until_equal(lambda: _published(rig), 400)


@pytest.mark.asyncio
async def test_late_commits_and_rollbacks_lose_no_event_of_other_transactions(rig: Rig) -> None:
    begun, commit = asyncio.Event(), asyncio.Event()

    async def late() -> None:
        async with rig.database.unit_of_work(1) as work:
            work.append(assigned(4, clicked(4).click_id))
            await work.flush()  # the event has a position, but is not committed
            begun.set()
            await commit.wait()

    async def rolled_back() -> None:
        async with rig.database.unit_of_work(3) as work:
            work.append(assigned(6, clicked(6).click_id))
            await work.flush()
            raise ZeroDivisionError

    async with rig.relay():
        slow = asyncio.create_task(late())
        await begun.wait()
        fast = asyncio.create_task(_assign(rig, [3, 5, 7]))  # contact 3 is in partition 0, 5 in 2, 7 in 0
        with pytest.raises(ZeroDivisionError):
            await rolled_back()
        behind = asyncio.create_task(_assign(rig, [8]))  # in the same partition as the late one, so it waits
        await fast
        await until_equal(lambda: _published(rig), 3)
        assert not behind.done()
        commit.set()
        await asyncio.gather(slow, behind)
        await _assign(rig, [2])
        await until_equal(lambda: _published(rig), 6)
    records = await read_topic(rig.settings, "labeling.labels")
    assert [record.key for record in records if record.partition == 1] == [b"1:4", b"1:8"]
    assert sorted(record.key for record in records) == [b"1:2", b"1:3", b"1:4", b"1:5", b"1:7", b"1:8"]


async def _assign(rig: Rig, contacts: Sequence[int]) -> None:
    for contact in contacts:
        async with rig.database.unit_of_work(partition_of(1, contact, PARTITIONS)) as work:
            work.append(assigned(contact, clicked(contact).click_id))


async def _published(rig: Rig) -> int:
    keys = {(record.key, dict(record.headers)["ce_id"]) for record in await read_topic(rig.settings, "labeling.labels")}
    return len(keys)


async def _has_more_than(rig: Rig, count: int) -> bool:
    return len(await read_topic(rig.settings, "labeling.labels")) > count


async def _has_tombstone(rig: Rig) -> bool:
    return any(record.value is None for record in await read_topic(rig.settings, "labeling.contacts"))


def _contact(contact_id: int) -> ContactChanged:
    return ContactChanged(
        occurred_at=datetime.now(UTC),
        account_id=1,
        contact_id=contact_id,
        external_id=None,
        email="somebody@customers.example",
        fields={},
        state="active",
        subscription="subscribed",
        tracking_consent="granted",
    )
