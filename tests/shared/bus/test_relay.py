"""The relay publishes all events of the event table to Kafka, in order."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from aiokafka.errors import ProducerFenced

from shared.bus.follower import Follower
from shared.bus.offsets import Offsets
from shared.bus.publisher import Publisher
from shared.bus.record import PartitionId
from shared.bus.relay import QUERIES, Relay, published
from shared.events.labeling import AccountChanged, ContactChanged
from shared.events.topics import partition_of
from tests.shared.bus.rig import PARTITIONS, Rig, assigned
from tests.stack.waiting import until


def sequences(records: Sequence[object]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for record in records:
        headers = dict(record.headers)  # type: ignore[attr-defined]
        found.setdefault(record.partition, []).append(int(headers["ce_sequence"]))  # type: ignore[attr-defined]
    return found


@pytest.mark.asyncio
async def test_publishes_in_the_order_of_positions_within_each_partition(rig: Rig) -> None:
    async with rig.relay() as relay:
        for _ in range(5):
            await rig.append(range(1, 21))
            relay.wake()
        await until(lambda: rig.all_published())
    found = sequences(await rig.read("labeling.labels"))
    assert sum(len(one) for one in found.values()) == 100
    for one in found.values():
        assert one == sorted(set(one))


@pytest.mark.asyncio
async def test_a_slow_transaction_that_began_before_a_faster_one_is_not_skipped(rig: Rig) -> None:
    slow, fast = 4, 5  # contacts of two partitions
    async with rig.relay() as relay:
        async with rig.database.unit_of_work(partition_of(1, slow, PARTITIONS)) as work:
            work.append(assigned(slow, uuid4()))
            await work.flush()  # draws its position; the transaction stays open
            last = await rig.append([fast])
            relay.wake()
            await until(lambda: published(rig.database, partition_of(1, fast, PARTITIONS), last))
        relay.wake()
        await until(lambda: rig.all_published())
    assert {record.key for record in await rig.read("labeling.labels")} == {b"1:4", b"1:5"}


@pytest.mark.asyncio
async def test_events_of_a_rolled_back_transaction_are_not_published(rig: Rig) -> None:
    with pytest.raises(ZeroDivisionError):
        async with rig.database.unit_of_work(partition_of(1, 4, PARTITIONS)) as work:
            work.append(assigned(4, uuid4()))
            await work.flush()
            raise ZeroDivisionError
    async with rig.relay():
        await rig.append([4, 8])
        await until(lambda: rig.all_published())
    assert [record.key for record in await rig.read("labeling.labels")] == [b"1:4", b"1:8"]


@pytest.mark.asyncio
async def test_one_relay_at_a_time_publishes_each_event_once(rig: Rig) -> None:
    async with rig.relay() as first:
        await rig.append(range(1, 9))
        await until(lambda: rig.all_published())
        async with rig.relay() as second:
            await rig.append(range(1, 9))
            await until(lambda: rig.all_published())
            assert (first.leads, second.leads) == (True, False)
    async with rig.relay():
        await rig.append(range(1, 9))
        await until(lambda: rig.all_published())
    found = sequences(await rig.read("labeling.labels"))
    assert sum(len(one) for one in found.values()) == 24
    assert all(one == sorted(set(one)) for one in found.values())


@pytest.mark.asyncio
async def test_a_superseded_relay_cannot_write_to_a_compacted_topic(rig: Rig) -> None:
    old = Publisher("labeling", rig.settings)
    await old.start()
    await append_contact(rig, "old@example.org")
    rows = await QUERIES["advance_and_read"].fetch(rig.database.pool, partitions=[], expected=[], positions=[], most=10)
    assert len(rows) == 1
    async with rig.relay():
        await until(lambda: rig.all_published())
    with pytest.raises(ProducerFenced):
        await old.publish({}, rows)
    await old.stop()
    assert len(await rig.read("labeling.contacts")) == 1


@pytest.mark.asyncio
async def test_a_fenced_relay_stops_with_an_error(rig: Rig) -> None:
    relay = Relay(rig.database, lambda: Publisher("labeling", rig.settings))
    running = asyncio.create_task(relay.run())
    await append_contact(rig, "one@example.org")
    await until(lambda: rig.all_published())
    newer = Publisher("labeling", rig.settings)
    await newer.start()
    await append_contact(rig, "two@example.org")
    with pytest.raises(ProducerFenced):
        await asyncio.wait_for(running, 20)
    await newer.stop()


@pytest.mark.asyncio
async def test_catalog_events_are_published(rig: Rig) -> None:
    async with rig.relay():
        async with rig.database.unit_of_work(-1) as work:
            work.append(AccountChanged(occurred_at=work.now, account_id=1, account_name="Shop", time_zone="UTC"))
        await until(lambda: published(rig.database, -1, work.position))
    assert [record.key for record in await rig.read("labeling.catalog")] == [b"account:1"]


@pytest.mark.asyncio
async def test_an_assignment_is_readable_only_after_its_contact(rig: Rig) -> None:
    """Contacts are sent in a Kafka transaction and assignments are not; these must not overtake contacts."""
    contacts = [PartitionId("labeling.contacts", number) for number in range(PARTITIONS)]
    committed = Offsets(rig.settings, contacts, committed=True)
    await committed.start()
    readable: list[tuple[int, int, int]] = []  # of each assignment: partition, contact's sequence, committed end
    labels = Follower(rig.settings, from_beginning=["labeling.labels"])
    async with labels, rig.relay() as relay:
        for contact in range(1, 41):
            async with rig.database.unit_of_work(partition_of(1, contact, PARTITIONS)) as work:
                work.append(contact_changed(contact, "an@example.org"), personal=True)
                work.append(assigned(contact, uuid4()))
            relay.wake()
            if contact % 4 == 0:
                for _, record in await labels.next(0.05):
                    ends = await committed.ends(contacts)
                    named = int(dict(record.headers)["ce_after"].decode().rpartition("=")[2])  # type: ignore[union-attr]
                    readable.append((record.partition, named, ends[PartitionId("labeling.contacts", record.partition)]))
        await until(lambda: rig.all_published())
        while found := await labels.next():
            readable += [(record.partition, 0, 1) for _, record in found]
    await committed.stop()
    assert len(readable) == 40
    offsets = {
        int(dict(record.headers)["ce_sequence"]): record.offset for record in await rig.read("labeling.contacts")
    }
    for _, contact, end in readable:
        assert contact == 0 or offsets[contact] < end


async def append_contact(rig: Rig, email: str) -> None:
    async with rig.database.unit_of_work(partition_of(1, 4, PARTITIONS)) as work:
        work.append(contact_changed(4, email), personal=True)


def contact_changed(contact: int, email: str) -> ContactChanged:
    return ContactChanged(
        occurred_at=datetime.now(UTC), account_id=1, contact_id=contact, external_id=None, email=email, fields={},
        state="active", subscription="subscribed", tracking_consent="unknown",
    )  # fmt: skip
