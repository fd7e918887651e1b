"""Records on which the handler fails are held, with the later records of the contact, until they are released."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.events.codec import Tombstone
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactChanged
from shared.events.topics import partition_of
from shared.store.held import release_failed
from shared.store.unit_of_work import UnitOfWork
from tests.shared.bus.rig import PARTITIONS, Rig, clicked
from tests.stack.waiting import until, until_equal

TOPICS = ("labeling.contacts", "tracking.clicks")
FAILS = "ZeroDivisionError: poisoned"
LATER = "an earlier record of the contact is held"


class Recording(Handler):
    """Records the applied events in order; fails on the events in `poisoned`."""

    def __init__(self) -> None:
        self.poisoned: set[UUID] = set()
        self.seen: list[UUID] = []
        self.held_before: set[UUID] = set()

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        events = [received.event for received in batch if not isinstance(received.event, Tombstone)]
        if any(event.event_id in self.poisoned for event in events):
            raise ZeroDivisionError("poisoned")
        held_before = {UUID(received.event_id) for received in batch if received.held_id is not None}
        work.after_commit(lambda: self.seen.extend(event.event_id for event in events))
        work.after_commit(lambda: self.held_before.update(held_before))

    def has_seen(self, *events: ContactEvent) -> bool:
        return {event.event_id for event in events} <= set(self.seen)


def changed(contact_id: int, state: str = "active") -> ContactChanged:
    return ContactChanged(
        occurred_at=datetime.now(UTC), account_id=1, contact_id=contact_id, external_id=None,
        email=None if state == "erased" else "an@example.org", fields={}, state=state,  # type: ignore[arg-type]
        subscription="subscribed", tracking_consent="unknown",
    )  # fmt: skip


async def held(rig: Rig) -> list[tuple[str, int, str, str]]:
    rows = await rig.database.pool.fetch("SELECT topic, contact_id, state, reason FROM held ORDER BY id")
    return [(row["topic"], row["contact_id"], row["state"], row["reason"]) for row in rows]


async def release(rig: Rig) -> int:
    async with rig.database.transaction() as connection:
        return await release_failed(connection, None, None, None)


@pytest.mark.asyncio
async def test_an_undecodable_record_holds_only_later_records_of_its_contact(rig: Rig) -> None:
    handler = Recording()
    first, later, other = clicked(1), clicked(1), clicked(5)
    await rig.publish([first])
    await rig.send("tracking.clicks", b"1:1", b"[", partition_of(1, 1, PARTITIONS), [])
    await rig.publish([later, other])
    async with rig.worker(handler):
        await until(lambda: handler.has_seen(first, other))
        await until_equal(lambda: _contacts_held(rig), [1, 1])
    assert later.event_id not in handler.seen


async def _contacts_held(rig: Rig) -> list[int]:
    return [contact for _, contact, _, _ in await held(rig)]


@pytest.mark.asyncio
async def test_a_released_record_that_fails_again_holds_later_records_of_its_contact(rig: Rig) -> None:
    handler = Recording()
    first, second, third, other = clicked(1), clicked(1), clicked(1), clicked(5)
    handler.poisoned = {first.event_id, other.event_id}
    expected = [
        ("tracking.clicks", 1, "failed", FAILS),
        ("tracking.clicks", 1, "failed", LATER),
        ("tracking.clicks", 5, "failed", FAILS),
        ("tracking.clicks", 1, "failed", LATER),
    ]
    async with rig.worker(handler) as host:
        await rig.publish([first, second, other, third])
        await until_equal(lambda: held(rig), expected)
        handler.poisoned = {first.event_id}
        assert await release(rig) == 4
        host.held_changed()
        await until(lambda: handler.has_seen(other))
        await until_equal(lambda: held(rig), [expected[0], expected[1], expected[3]])
        assert handler.seen == [other.event_id]
        handler.poisoned = set()
        await release(rig)
        host.held_changed()
        fourth = clicked(1)
        await rig.publish([fourth])
        await until(lambda: handler.has_seen(fourth))
    assert handler.seen == [event.event_id for event in (other, first, second, third, fourth)]
    assert await held(rig) == []


@pytest.mark.asyncio
async def test_an_erasure_is_applied_and_deletes_the_held_records_of_its_contact(rig: Rig) -> None:
    handler = Recording()
    change, click, others = changed(1), clicked(1), clicked(5)
    handler.poisoned = {change.event_id, click.event_id, others.event_id}
    async with rig.worker(handler, topics=TOPICS):
        await rig.publish([change, click, others])
        await until_equal(
            lambda: held(rig),
            [
                (topic, contact, "failed", FAILS)
                for topic, contact in (*zip(TOPICS, (1, 1), strict=True), (TOPICS[1], 5))
            ],
        )
        erasure, after = changed(1, "erased"), clicked(1)
        await rig.publish([changed(1), erasure])
        await until(lambda: handler.has_seen(erasure))
        await until_equal(lambda: held(rig), [("tracking.clicks", 5, "failed", FAILS)])
        await rig.publish([after])
        await until(lambda: handler.has_seen(after))


@pytest.mark.asyncio
async def test_deleted_held_records_do_not_hold_later_records(rig: Rig) -> None:
    """The service that owns the contacts deletes held records in the request that erases the contact."""
    handler = Recording()
    first, later = clicked(1), clicked(1)
    handler.poisoned = {first.event_id}
    async with rig.worker(handler):
        await rig.publish([first])
        await until_equal(lambda: held(rig), [("tracking.clicks", 1, "failed", FAILS)])
        await rig.database.pool.execute("DELETE FROM held")
        await rig.publish([later])
        await until(lambda: handler.has_seen(later))


@pytest.mark.asyncio
async def test_a_newer_consumer_version_applies_records_that_the_older_one_held(rig: Rig) -> None:
    """The newer version applies the held records in order, although the older version has applied others after them."""
    old, new = Recording(), Recording()
    before, failing, later, other = clicked(1), clicked(1), clicked(1), clicked(5)
    old.poisoned = {failing.event_id}
    async with rig.worker(old):
        await rig.publish([before, failing, later, other])
        await until(lambda: old.has_seen(before, other))
        await until_equal(
            lambda: held(rig), [("tracking.clicks", 1, "failed", FAILS), ("tracking.clicks", 1, "failed", LATER)]
        )
    async with rig.worker(new, version=2):
        await until(lambda: new.has_seen(before, failing, later, other))
    assert new.seen == [event.event_id for event in (before, failing, later, other)]
    assert new.held_before == {failing.event_id, later.event_id}
    assert await held(rig) == []
