"""Contacts in bulk: an import checked and run, and an export, by one process; against COPY and Python's csv alone."""

import csv
import io
from collections.abc import AsyncIterator
from time import perf_counter
from uuid import UUID

import asyncpg

from services.labeling.app import SERVICE
from services.labeling.domain.fields import Field
from services.labeling.store.imports import Import, import_of_id
from services.labeling.store.labels import labels_of_names
from services.labeling.use_cases.accounts import add_account
from services.labeling.use_cases.contact_lists import search_contacts
from services.labeling.use_cases.exports import create_export
from services.labeling.use_cases.fields import add_field
from services.labeling.use_cases.imports import check_import, start_import
from services.labeling.use_cases.jobs import kinds
from services.labeling.use_cases.labels import add_label
from services.labeling.use_cases.merging import merge_label
from services.labeling.use_cases.uploads import Limits, upload
from shared.events.topics import CATALOG_PARTITION
from shared.jobs.runner import JobRunner
from shared.jobs.store import find_job
from shared.store.database import Database
from shared.store.event_tables import extend_event_tables
from tests.bench.figure import Figure
from tests.bench.place import PARTITIONS, Place

ROWS = 30_000
LABELS = ("Dogs", "Cats", "Birds", "Fish")
OPTIONS = {"subscription": {"set": "subscribed"}}
MERGED_PER_SECOND = 500_000 / 60  # of each label


class Published:
    """Nobody publishes: what is measured is the import alone."""

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
            exported = await _exported(database, runner, account_id, "csv")
            spreadsheet = await _exported(database, runner, account_id, "xlsx")
            searched = await _searched(database, account_id)
            copied_out = await _copied_out(dsn)
            merged = await _merged(database, runner, account_id)
        finally:
            await database.close()
    return [
        Figure("import: rows checked, 3 fields, 2 labels", checked, "rows/s", 15_000, copied, "COPY into one table"),
        Figure("import: rows checked, beside reading alone", checked, "rows/s", None, plain, "Python's csv alone"),
        Figure("import: rows applied, not relayed", imported, "rows/s", 3_000, copied, "COPY into one table"),
        Figure("export: contacts with labels, CSV", exported, "rows/s", 100_000, copied_out, "COPY TO of one table"),
        Figure("export: contacts with labels, XLSX", spreadsheet, "rows/s", 25_000, copied_out, "COPY TO of one table"),
        Figure("merge of two labels: holders moved, not relayed", merged, "holders/s", MERGED_PER_SECOND),
        Figure("search: contacts by the beginning of a word", searched, "ms", 10, better="lower"),
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


async def _copied_out(dsn: str) -> float:
    connection = await asyncpg.connect(dsn)
    try:
        began = perf_counter()
        await connection.copy_from_table("plain", output=io.BytesIO(), format="csv", header=True)
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


async def _exported(database: Database, runner: JobRunner, account_id: int, format_: str) -> float:
    began = perf_counter()
    assert format_ in ("csv", "xlsx")
    await create_export(database, account_id, {"all": True}, "csv" if format_ == "csv" else "xlsx", None)
    await runner.run_until_idle()
    return ROWS / (perf_counter() - began)


async def _merged(database: Database, runner: JobRunner, account_id: int) -> float:
    """Merge a label into one that half of its holders have as well; return its holders a second."""
    async with database.pool.acquire() as connection:
        known = await labels_of_names(connection, account_id, LABELS[:2])
    began = perf_counter()
    started = await merge_label(database, account_id, known[LABELS[0]].id, known[LABELS[1]].id)
    await runner.run_until_idle()
    took = perf_counter() - began
    job = await find_job(database.pool, account_id, started.job.id)
    assert job is not None
    assert job.state == "done", job
    return job.done / took


async def _searched(database: Database, account_id: int) -> float:
    """Return the time of a search in ms: the median of many."""
    took = []
    async with database.pool.acquire() as connection:
        for number in range(100):
            began = perf_counter()
            found = await search_contacts(connection, account_id, f"person.{number}", None, 100)
            took.append(perf_counter() - began)
            assert found
    return sorted(took)[len(took) // 2] * 1000
