"""A process that lost its slices without knowing it."""

import pytest

from tests.services.segmentation.consumers.test_slices import known, told
from tests.services.segmentation.rig import NOON, Rig, contact, until


@pytest.mark.asyncio
async def test_whoever_lost_a_slice_announces_nothing_before_it_has_read_what_its_successor_did(rig: Rig) -> None:
    async with rig.process() as process:
        await rig.publish([contact(number, NOON) for number in range(1, 9)])
        await until(lambda: known(process, 8))
        before = {number: memory.epoch for number, memory in process.handler.memories.items()}
        # As if another process had taken them and given them back while this one was stopped.
        await rig.database.pool.execute("UPDATE slice_owner SET epoch = epoch + 1")
        assert not process.handler.memories[0].pending
        segment_id = await process.create("All", {"all": []})
        await until(lambda: told(rig, segment_id, set(range(1, 9))))
        after = {number: memory.epoch for number, memory in process.handler.memories.items()}
        assert all(after[number] == before[number] + 2 for number in before)
