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


class IdleRelay:
    """A relay that publishes nothing: only the import is measured."""

    delay = 0.0


async def run(place: Place) -> list[Figure]:
    """Measure the import of a file of contacts with three fields and two labels each."""
    content = file_of(ROWS)
    with place.sandbox() as sandbox:
        dsn = sandbox.database()
        database = await Database.open(dsn, PARTITIONS)
        try:
            account_id = await _create_account(database)
            copied = await _copy_rate(dsn, content)
            plain = _csv_rate(content)
            runner = JobRunner(database, IdleRelay(), kinds(Limits()))
            found = await upload(database, account_id, UUID(int=1), "people.csv", _chunks(content), Limits())
            checked = await _check_rate(database, runner, found)
            imported = await _import_rate(database, runner, found)
        finally:
            await database.close()
    subject = f"import of {ROWS:,} rows"
    return [
        Figure(f"{subject}: checked, 3 fields, 2 labels", checked, "rows/s", 15_000, copied, "COPY into one table"),
        Figure(f"{subject}: checked, beside reading alone", checked, "rows/s", None, plain, "Python's csv alone"),
        Figure(f"{subject}: applied, not relayed", imported, "rows/s", 3_000, copied, "COPY into one table"),
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


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), 65_536):
        yield content[begin : begin + 65_536]


async def _create_account(database: Database) -> int:
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


async def _copy_rate(dsn: str, content: bytes) -> float:
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


def _csv_rate(content: bytes) -> float:
    began = perf_counter()
    rows = sum(1 for _ in csv.reader(io.StringIO(content.decode(), newline="")))
    return rows / (perf_counter() - began)


async def _check_rate(database: Database, runner: JobRunner, found: Import) -> float:
    began = perf_counter()
    await check_import(database, found.account_id, found.id, {}, OPTIONS, {})
    await runner.run_until_idle()
    took = perf_counter() - began
    after = await import_of_id(database.pool, found.account_id, found.id)
    assert after is not None
    assert after.summary is not None
    assert after.summary["create"] == ROWS, after.summary
    return ROWS / took


async def _import_rate(database: Database, runner: JobRunner, found: Import) -> float:
    began = perf_counter()
    await start_import(database, found.account_id, found.id)
    await runner.run_until_idle()
    took = perf_counter() - began
    after = await import_of_id(database.pool, found.account_id, found.id)
    assert after is not None
    assert after.result is not None
    assert after.result["created"] == ROWS, after.result
    return ROWS / took
