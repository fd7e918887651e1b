"""Events name their causes: the records that their writer has read, and the events that it wrote earlier."""

import pytest

from shared.store.database import Database
from tests.shared.store.events import assigned, contact_changed, label_changed


@pytest.mark.asyncio
async def test_events_name_the_sequences_that_their_writer_has_read(database: Database) -> None:
    await database.pool.execute(
        "INSERT INTO checkpoints VALUES ('labeling', 1, 'c', 'tracking.clicks', 2, 9, 41), "
        "('labeling', 1, 'c', 'tracking.clicks', 3, 9, 99), ('intake', 1, 'c', 'intake.clicks', 2, 9, 0)"
    )
    async with database.unit_of_work(2) as work:
        work.append(assigned(work.now, 1))
    async with database.unit_of_work(2) as work:
        await work.connection.execute("UPDATE checkpoints SET sequence = 50 WHERE partition = 2")
        work.append(assigned(work.now, 1))
    assert await _named_causes(database) == [
        ("labeling.labels", "tracking.clicks=41"),
        ("labeling.labels", "tracking.clicks=50"),
    ]


@pytest.mark.asyncio
async def test_events_name_only_topics_that_may_have_caused_them(database: Database) -> None:
    """Labeling reads memberships to export segments; its assignments must not wait for a million memberships."""
    await database.pool.execute("INSERT INTO checkpoints VALUES ('uses', 1, 'c', 'segmentation.memberships', 2, 9, 41)")
    async with database.unit_of_work(2) as work:
        work.append(assigned(work.now, 1))
    assert await _named_causes(database) == [("labeling.labels", "")]


@pytest.mark.asyncio
async def test_events_of_a_unit_are_written_causes_first_in_any_order_of_appends(database: Database) -> None:
    async with database.unit_of_work(2) as work:
        work.append(assigned(work.now, 1))
        work.append(contact_changed(work.now, 1))
    [first, second] = await database.pool.fetch("SELECT topic, position, after FROM events ORDER BY position")
    assert (first["topic"], first["after"]) == ("labeling.contacts", "")
    assert (second["topic"], second["after"]) == ("labeling.labels", f"labeling.contacts={first['position']}")


@pytest.mark.asyncio
async def test_events_name_the_last_earlier_events_of_their_writer(database: Database) -> None:
    async with database.unit_of_work(-1) as work:
        work.append(label_changed(work.now))
    catalog = work.position
    async with database.unit_of_work(2) as work:
        work.append(assigned(work.now, 1))
    label = work.position
    async with database.unit_of_work(3) as work:
        work.append(contact_changed(work.now, 2))  # of another partition number
    async with database.unit_of_work(2) as work:
        work.append(contact_changed(work.now, 1))
        work.append(contact_changed(work.now, 5))
    rows = await database.pool.fetch("SELECT after FROM events WHERE partition = 2 ORDER BY position")
    assert [row["after"] for row in rows] == [
        f"labeling.catalog={catalog}",
        *[f"labeling.catalog={catalog},labeling.labels={label}"] * 2,
    ]


@pytest.mark.asyncio
async def test_rolled_back_events_are_not_named(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.unit_of_work(2) as work:
            work.append(contact_changed(work.now, 1))
            await work.flush()
            raise ZeroDivisionError
    async with database.unit_of_work(2) as work:
        work.append(assigned(work.now, 1))
    assert await _named_causes(database) == [("labeling.labels", "")]


@pytest.mark.asyncio
async def test_a_unit_knows_its_last_position_in_each_partition(database: Database) -> None:
    async with database.unit_of_work(-1, 2) as work:
        work.append(assigned(work.now, 1))
        work.append(label_changed(work.now))
    rows = await database.pool.fetch("SELECT partition, position FROM events")
    assert work.positions == {row["partition"]: row["position"] for row in rows}


async def _named_causes(database: Database) -> list[tuple[str, str]]:
    rows = await database.pool.fetch("SELECT topic, after FROM events ORDER BY position")
    return [(row["topic"], row["after"]) for row in rows]
