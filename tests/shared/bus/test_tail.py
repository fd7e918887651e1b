"""A tail reads the records that a consumer has not applied yet."""

import pytest

from shared.bus.tail import Tail
from tests.shared.bus.rig import Counting, Rig, clicked
from tests.stack.waiting import until

pytestmark = pytest.mark.asyncio


async def read(tail: Tail, rig: Rig) -> list[int]:
    """Return the contacts of the records that are not applied."""
    async with rig.database.pool.acquire() as connection:
        return sorted(record.event.contact_id for record in (await tail.read(connection)).records)


async def test_each_record_that_is_not_applied_is_read_once(rig: Rig) -> None:
    tail = Tail(rig.settings, "tracking.clicks", "counting", 1)
    assert await read(tail, rig) == []
    await rig.publish([clicked(contact) for contact in range(1, 9)])
    assert await read(tail, rig) == list(range(1, 9))
    assert await read(tail, rig) == []
    await rig.publish([clicked(9)])
    assert await read(tail, rig) == [9]
    await tail.close()
    # The tail of another process starts at the checkpoint and reads all records that are not applied.
    another = Tail(rig.settings, "tracking.clicks", "counting", 1)
    assert await read(another, rig) == list(range(1, 10))
    await another.close()


async def test_records_that_the_consumer_has_applied_are_skipped(rig: Rig) -> None:
    await rig.publish([clicked(contact) for contact in range(1, 9)])
    async with rig.worker(Counting()):
        await until(lambda: _counted(rig, 8))
    tail = Tail(rig.settings, "tracking.clicks", "counting", 1)
    async with rig.database.pool.acquire() as connection:
        found = await tail.read(connection)
    assert (found.records, sum(sequence > 0 for sequence in found.applied.values())) == ([], 4)
    await rig.publish([clicked(3)])
    assert await read(tail, rig) == [3]
    await tail.close()


async def test_reads_again_after_a_connection_error(rig: Rig) -> None:
    tail = Tail(rig.settings, "tracking.clicks", "counting", 1)
    await rig.publish([clicked(1)])
    connection = await rig.database.pool.acquire()
    await connection.close()
    with pytest.raises(Exception, match="connection"):
        await tail.read(connection)
    await rig.database.pool.release(connection)
    assert await read(tail, rig) == [1]
    await tail.close()


async def _counted(rig: Rig, contacts: int) -> bool:
    return len(await rig.counts()) == contacts
