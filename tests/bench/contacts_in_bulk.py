"""Contacts in bulk: an import is checked and run by one process; the baseline is COPY and Python's csv alone."""

import csv
import io
from collections.abc import AsyncIterator
from time import perf_counter
from uuid import UUID

import asyncpg

from services.labeling.app import SERVICE
from services.labeling.domain.fields import Field
from services.labeling.store.imports import Import, import_of_id
from services.labeling.use_cases.accounts import add_account
from services.labeling.use_cases.fields import add_field
from services.labeling.use_cases.imports import check_import, start_import
from services.labeling.use_cases.jobs import kinds
from services.labeling.use_cases.labels import add_label
from services.labeling.use_cases.uploads import Limits, upload
from shared.events.topics import CATALOG_PARTITION
from shared.jobs.runner import JobRunner
from shared.store.database import Database
from shared.store.event_tables import extend_event_tables
from tests.bench.figure import Figure
from tests.bench.place import PARTITIONS, Place
from tests.bench.size import contacts

ROWS = contacts(30_000)
LABELS = ("Dogs", "Cats", "Birds", "Fish")
OPTIONS = {"subscription": {"set": "subscribed"}}


class Published:
    """A relay that publishes nothing, because the import alone is measured."""

    delay = 0.0


async def run(place: Place) -> list[Figure]:
    """Return a file of contacts with three fields and two labels each."""
    content = file_of(ROWS)
    with place.sandbox() as sandbox:
        dsn = sandbox.database()
        database = await Database.open(dsn, PARTITIONS)
        try:
            account_id = await _prepared(database)
            copied = await _copied(dsn, content)
            plain = _read_by_csv(content)
            runner = JobRunner(database, Published(), kinds(Limits()))
            found = await upload(database, account_id, UUID(int=1), "people.csv", _pieces(content), Limits())
            checked = await _checked(database, runner, found)
            imported = await _imported(database, runner, found)
        finally:
            await database.close()
    of = f"import of {ROWS:,} rows"
    return [
        Figure(f"{of}: checked, 3 fields, 2 labels", checked, "rows/s", 15_000, copied, "COPY into one table"),
        Figure(f"{of}: checked, beside reading alone", checked, "rows/s", None, plain, "Python's csv alone"),
        Figure(f"{of}: applied, not relayed", imported, "rows/s", 3_000, copied, "COPY into one table"),
    ]


def file_of(rows: int) -> bytes:
    """Return a CSV file of contacts."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["email", "first_name", "city", "birthday", "interesselabels"])
    for number in range(rows):
        labels = f"{LABELS[number % 4]}, {LABELS[(number + 1) % 4]}"
        day = f"19{number % 100:02}-{number % 12 + 1:02}-{number % 28 + 1:02}"
        writer.writerow([f"person.{number}@example.com", f"Name{number % 977}", f"City {number % 311}", day, labels])
    return text.getvalue().encode()


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), 65_536):
        yield content[begin : begin + 65_536]


async def _prepared(database: Database) -> int:
    await database.migrate([SERVICE.migrations])
    async with database.pool.acquire() as connection:
        await extend_event_tables(connection)
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        account_id = await add_account(work, "Bench", "UTC")
        for name in LABELS:
            await add_label(work, account_id, name)
        for field in (
            Field("first_name", "First name", "text"),
            Field("city", "City", "text"),
            Field("birthday", "Birthday", "date"),
        ):
            await add_field(work, account_id, field)
    return account_id


async def _copied(dsn: str, content: bytes) -> float:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "CREATE TABLE plain (email text, first_name text, city text, birthday text, labels text)"
        )
        began = perf_counter()
        await connection.copy_to_table("plain", source=io.BytesIO(content), format="csv", header=True)
        return ROWS / (perf_counter() - began)
    finally:
        await connection.close()


def _read_by_csv(content: bytes) -> float:
    began = perf_counter()
    rows = sum(1 for _ in csv.reader(io.StringIO(content.decode(), newline="")))
    return rows / (perf_counter() - began)


async def _checked(database: Database, runner: JobRunner, found: Import) -> float:
    began = perf_counter()
    await check_import(database, found.account_id, found.id, {}, OPTIONS, {})
    await runner.run_until_idle()
    took = perf_counter() - began
    after = await import_of_id(database.pool, found.account_id, found.id)
    assert after is not None
    assert after.summary is not None
    assert after.summary["create"] == ROWS, after.summary
    return ROWS / took


async def _imported(database: Database, runner: JobRunner, found: Import) -> float:
    began = perf_counter()
    await start_import(database, found.account_id, found.id)
    await runner.run_until_idle()
    took = perf_counter() - began
    after = await import_of_id(database.pool, found.account_id, found.id)
    assert after is not None
    assert after.result is not None
    assert after.result["created"] == ROWS, after.result
    return ROWS / took
