"""A process that lost its slices without noticing, and records that are held."""

import pytest

from shared.events.codec import body_of, headers_of
from shared.events.topics import partition_of
from shared.store.held import encode_headers
from tests.services.segmentation.rig import ACCOUNT, DOGS, NOON, PARTITIONS, Process, Rig, clicked, contact
from tests.stack.waiting import until


@pytest.mark.asyncio
async def test_a_process_acquires_its_lost_slices_again_before_it_announces(rig: Rig) -> None:
    async with rig.process() as process:
        await rig.publish([contact(number, NOON) for number in range(1, 9)])
        await until(lambda: process.knows(8))
        before = {number: memory.epoch for number, memory in process.handler.memories.items()}
        # Simulate another process that owned the slices while this one was paused.
        await rig.database.pool.execute("UPDATE slice_owner SET epoch = epoch + 1")
        assert not process.handler.memories[0].pending
        segment_id = await process.create("All", {"all": []})
        await until(lambda: rig.has_announced(segment_id, set(range(1, 9))))
        after = {number: memory.epoch for number, memory in process.handler.memories.items()}
        assert all(after[number] == before[number] + 2 for number in before)


@pytest.mark.asyncio
async def test_a_held_record_is_left_out_of_the_image_until_it_is_released(rig: Rig) -> None:
    criterion = {"clicks": {"label": str(DOGS)}}
    async with rig.process() as process:
        segment_id = await process.create("Dogs", criterion)
        await rig.publish([contact(number, NOON) for number in (1, 2)])
        await until(lambda: process.knows(2))
    # Simulate a failure of the code on contact 1's click: the click is held, and the consumer continues.
    click = clicked(1, NOON)
    await rig.publish([click, clicked(2, NOON)])
    number = partition_of(ACCOUNT, 1, PARTITIONS)
    headers = encode_headers(
        headers_of(click.type(), click.event_id, "/test", click.occurred_at, 10**6, {}, None, None, None)
    )
    pool = rig.database.pool
    await pool.execute(
        "INSERT INTO held (consumer, topic, partition, record_offset, key, value, headers, account_id, contact_id,"
        " state, reason) VALUES ('segmentation', 'tracking.clicks', $1, 0, $2, $3, $4, $5, 1, 'failed', 'poisoned')",
        number, click.key.encode(), body_of(click), headers, ACCOUNT,
    )  # fmt: skip
    await pool.execute(
        "UPDATE checkpoints SET next_offset = 1, sequence = 1000 WHERE topic = 'tracking.clicks' AND partition = $1",
        number,
    )
    for _ in range(2):
        async with rig.process() as process:
            await until(lambda: rig.has_announced(segment_id, {2}))
            assert await process.count(segment_id) == 1
    async with rig.process() as process:
        await pool.execute("UPDATE held SET state = 'ready'")
        await until(lambda: rig.has_announced(segment_id, {1, 2}))
        assert await pool.fetchval("SELECT count(*) FROM snapshots WHERE partition = $1", number) == 0
    async with rig.process() as process:
        await until(lambda: has_count(process, segment_id, 2))


async def has_count(process: Process, segment_id: str, number: int) -> bool:
    return await process.count(segment_id) == number
