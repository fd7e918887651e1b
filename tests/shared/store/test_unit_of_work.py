"""A unit of work is one transaction: its locks, events, callbacks and failures."""

import asyncio
import random
from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from shared.events.labeling import LabelAssigned
from shared.events.topics import partition_of
from shared.store.database import APPLICATION, Database
from shared.store.errors import EventTooLarge
from shared.store.event_tables import extend_event_tables
from shared.store.unit_of_work import MAX_BODY_BYTES, MAX_DEFINITION_BYTES
from tests.shared.store.conftest import PARTITIONS
from tests.shared.store.events import DOGS, CausingEvent, assigned, contact_changed, label_changed


@pytest.mark.asyncio
async def test_thousands_of_events_in_one_unit_get_positions_in_their_order(database: Database) -> None:
    contacts = [3 + 4 * number for number in range(5_000)]
    async with database.unit_of_work(partition_of(1, 3, PARTITIONS)) as work:
        for contact in contacts:
            work.append(assigned(work.now, contact))
    rows = await database.pool.fetch("SELECT contact_id, position FROM events ORDER BY position")
    assert [row["contact_id"] for row in rows] == contacts
    assert work.position == rows[-1]["position"]


@pytest.mark.asyncio
async def test_synchronous_commit_is_on_even_if_the_database_turns_it_off(database_dsn: str) -> None:
    name = urlsplit(database_dsn).path.removeprefix("/")
    connection = await asyncpg.connect(database_dsn)
    await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await connection.close()
    database = await Database.open(database_dsn)
    try:
        assert await database.pool.fetchval("SHOW synchronous_commit") == "on"
    finally:
        await database.close()


@pytest.mark.asyncio
async def test_a_reader_by_position_sees_all_events_of_a_partition_in_order(database: Database) -> None:
    """Twelve writers run at once and some roll back; without the locks, the reader would skip late commits."""
    seen: dict[int, list[int]] = {number: [] for number in range(PARTITIONS)}
    done = asyncio.Event()

    async def write(writer: int) -> None:
        choice = random.Random(writer)
        for _ in range(20):
            contact = choice.randrange(1, 1000)
            try:
                async with database.unit_of_work(partition_of(1, contact, PARTITIONS)) as work:
                    work.append(assigned(work.now, contact))
                    await work.flush()
                    await asyncio.sleep(choice.random() * 0.004)  # commits some time after drawing its position
                    if choice.random() < 0.2:
                        raise ZeroDivisionError
            except ZeroDivisionError:
                continue

    async def read() -> None:
        last = dict.fromkeys(seen, 0)
        while True:
            finishing = done.is_set()
            for number, found in seen.items():
                rows = await database.pool.fetch(
                    "SELECT position FROM events WHERE partition = $1 AND position > $2 ORDER BY position",
                    number,
                    last[number],
                )
                found += [row["position"] for row in rows]
                last[number] = found[-1] if found else 0
            if finishing:
                return

    reading = asyncio.create_task(read())
    await asyncio.gather(*(write(writer) for writer in range(12)))
    done.set()
    await reading
    rows = await database.pool.fetch("SELECT partition, position FROM events ORDER BY position")
    assert len(rows) > 100
    for number, found in seen.items():
        assert found == [row["position"] for row in rows if row["partition"] == number]


@pytest.mark.asyncio
async def test_concurrent_units_over_several_partitions_all_commit(database: Database) -> None:
    async def write(writer: int) -> None:
        choice = random.Random(writer)
        for _ in range(10):
            contacts = choice.sample(range(1, 100), 5)
            async with database.unit_of_work(*(partition_of(1, contact, PARTITIONS) for contact in contacts)) as work:
                for contact in contacts:
                    work.append(assigned(work.now, contact))

    await asyncio.gather(*(write(writer) for writer in range(10)))
    assert await database.pool.fetchval("SELECT count(*) FROM events") == 500


@pytest.mark.asyncio
async def test_a_unit_that_waited_for_its_lock_reads_the_latest_commit(database: Database) -> None:
    await database.pool.execute("CREATE TABLE seats (taken integer)")
    await database.pool.execute("INSERT INTO seats VALUES (0)")

    async def take() -> None:
        async with database.unit_of_work(1) as work:
            taken = await work.connection.fetchval("SELECT taken FROM seats")
            await asyncio.sleep(0)
            await work.connection.execute("UPDATE seats SET taken = $1", taken + 1)

    await asyncio.gather(*(take() for _ in range(20)))
    assert await database.pool.fetchval("SELECT taken FROM seats") == 20


@pytest.mark.asyncio
@pytest.mark.parametrize("locked", ["SELECT pg_advisory_xact_lock(1, 2)", "UPDATE seats SET taken = 1"])
async def test_a_client_that_stops_during_a_copy_blocks_others_only_briefly(
    database: Database, migrated_dsn: str, locked: str
) -> None:
    """The client has locked a partition number or a row."""
    await database.pool.execute("CREATE TABLE seats AS SELECT 0 AS taken")
    stopped = await asyncpg.connect(migrated_dsn, server_settings={"application_name": APPLICATION})
    transaction = stopped.transaction()
    await transaction.start()
    await stopped.execute(locked)
    await stopped.execute("CREATE TEMPORARY TABLE half (number integer)")
    never = asyncio.Event()

    async def incomplete_copy() -> AsyncIterator[bytes]:
        yield b"1\n"
        await never.wait()

    copying = asyncio.create_task(stopped.copy_to_table("half", source=incomplete_copy()))
    started = asyncio.get_running_loop().time()
    for attempt in range(3):
        try:
            async with database.unit_of_work(2) as work:
                await work.connection.execute("UPDATE seats SET taken = 2")
            break
        except asyncpg.LockNotAvailableError:
            assert attempt < 2
    assert asyncio.get_running_loop().time() - started < 15
    copying.cancel()
    with pytest.raises((asyncio.CancelledError, asyncpg.PostgresError, OSError)):
        await copying
    stopped.terminate()


@pytest.mark.asyncio
async def test_events_of_a_partition_that_is_not_locked_are_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="partition 2 is not locked"):
        async with database.unit_of_work(1) as work:
            work.append(assigned(work.now, 1))


@pytest.mark.asyncio
async def test_events_that_are_too_large_for_kafka_are_refused(database: Database) -> None:
    async def append_large_event() -> None:
        async with database.unit_of_work(-1) as work:
            work.append(label_changed(work.now, "x" * 1_000_000))

    async def append_large_written_event() -> None:
        async with database.unit_of_work(2) as work:
            cause = assigned(work.now, 1)
            work.append_written(
                LabelAssigned, b"x" * 1_000_000, cause.event_id, 1, 1, work.now, CausingEvent(str(DOGS))
            )

    with pytest.raises(EventTooLarge):
        await append_large_written_event()
    with pytest.raises(EventTooLarge):
        await append_large_event()
    assert await database.pool.fetchval("SELECT count(*) FROM events") == 0


@pytest.mark.asyncio
async def test_definitions_have_a_lower_size_limit_than_other_events(database: Database) -> None:
    async def define(length: int, most_bytes: int) -> None:
        async with database.unit_of_work(-1) as work:
            work.append(label_changed(work.now, "x" * length), most_bytes=most_bytes)

    between = (MAX_DEFINITION_BYTES + MAX_BODY_BYTES) // 2
    with pytest.raises(EventTooLarge):
        await define(between, MAX_DEFINITION_BYTES)
    await define(between, MAX_BODY_BYTES)


@pytest.mark.asyncio
async def test_an_erasure_deletes_only_the_personal_data_of_its_contact(database: Database) -> None:
    async with database.unit_of_work(0, 1, 2, 3) as work:
        work.append(contact_changed(work.now, 7), personal=True)
        work.append(contact_changed(work.now, 8), personal=True)
        work.append(assigned(work.now, 7))
    async with database.unit_of_work(partition_of(1, 7, PARTITIONS)) as work:
        await work.erase_personal(1, 7)
        work.append_tombstone("labeling.contacts", 1, 7)
    rows = await database.pool.fetch("SELECT contact_id, body, personal FROM events ORDER BY position")
    assert [(row["contact_id"], row["body"] is None, row["personal"] is None) for row in rows] == [
        (7, True, True),
        (8, True, False),
        (7, False, True),
        (7, True, True),
    ]


@pytest.mark.asyncio
async def test_callbacks_run_after_a_commit_and_not_after_a_rollback(database: Database) -> None:
    called: list[str] = []
    async with database.unit_of_work(1) as work:
        work.after_commit(lambda: called.append("committed"))
        assert called == []
    assert called == ["committed"]

    async def roll_back() -> None:
        async with database.unit_of_work(1) as work:
            work.after_commit(lambda: called.append("rolled back"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await roll_back()
    assert called == ["committed"]


@pytest.mark.asyncio
async def test_event_tables_for_the_next_positions_are_created_in_advance(database: Database) -> None:
    await database.pool.execute("SELECT setval('events_position', 29999999)")
    async with database.pool.acquire() as connection:
        await asyncio.gather(extend_event_tables(connection))
    async with database.unit_of_work(partition_of(1, 1, PARTITIONS)) as work:
        work.append(assigned(work.now, 1))
        work.append(assigned(work.now, 1))
    assert work.position == 30_000_001
    found = await database.pool.fetch(
        "SELECT contact_id FROM events WHERE partition = 2 AND position > 29999999 ORDER BY position"
    )
    assert len(found) == 2


@pytest.mark.asyncio
async def test_reading_events_after_a_position_uses_the_index(database: Database) -> None:
    async with database.unit_of_work(2) as work:
        for _ in range(2_000):
            work.append(assigned(work.now, 1))
    await database.pool.execute("ANALYZE events")
    plan = await database.pool.fetch(
        f"EXPLAIN SELECT * FROM events WHERE partition = 2 AND position > {uuid4().int % 10} ORDER BY position LIMIT 10"
    )
    text = "\n".join(row[0] for row in plan)
    assert "Index Scan" in text
    assert "Sort" not in text


@pytest.mark.asyncio
async def test_a_failed_partition_number_is_withdrawn_and_the_others_commit(database: Database) -> None:
    called: list[int] = []
    async with database.unit_of_work(2, 3) as work:
        for contact_id in (1, 2):
            with work.isolate(1 + contact_id):
                work.append(assigned(work.now, contact_id))
                work.after_commit(partial(called.append, contact_id))
                if contact_id == 1:
                    raise ZeroDivisionError
        assert [*work.failed] == [2]
        work.withdraw(work.failed)
        assert work.partitions == (3,)
        with pytest.raises(ValueError, match="not locked"):
            work.append(assigned(work.now, 1))
    assert [row["partition"] for row in await database.pool.fetch("SELECT partition FROM events")] == [3]
    assert called == [2]


@pytest.mark.asyncio
async def test_an_error_that_aborts_the_transaction_is_not_isolated(database: Database) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with database.unit_of_work(2) as work:
            with work.isolate(2):
                await work.connection.execute("SELECT 1 / 0")


@pytest.mark.asyncio
async def test_a_failed_savepoint_rolls_back_its_writes(database: Database) -> None:
    async with database.unit_of_work(2, 3) as work:
        async with work.savepoint(2):
            await work.connection.execute("INSERT INTO publications VALUES (99, 0)")
            await work.connection.execute("SELECT 1 / 0")
        assert isinstance(work.failed[2], asyncpg.DivisionByZeroError)
    assert await database.pool.fetchval("SELECT count(*) FROM publications WHERE partition = 99") == 0


@pytest.mark.asyncio
async def test_acquiring_a_connection_times_out(
    database: Database, migrated_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.store.database.ACQUIRE_WITHIN", 0.2)
    small = await Database.open(migrated_dsn, PARTITIONS, size=1)
    try:
        async with small.transaction():
            with pytest.raises(TimeoutError):
                await small.pool.fetchval("SELECT 1")
            with pytest.raises(TimeoutError):
                async with small.unit_of_work(1):
                    pass
        assert await small.pool.fetchval("SELECT 1") == 1
    finally:
        await small.close()
