"""Runs an import: determines the contact of each row, then applies the rows bucket by bucket."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.labeling.domain.directory import KeyClaim, KeyConflict
from services.labeling.domain.errors import ConflictError, InvalidError, LimitError
from services.labeling.domain.imports.options import new_fields
from services.labeling.domain.imports.rows import ParsedRow
from services.labeling.domain.labels import label_name, name_key
from services.labeling.domain.names import ContactName
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.store import import_rows
from services.labeling.store.directory import find_contacts, settle_contacts
from services.labeling.store.fields import fields_of_accounts
from services.labeling.store.import_rows import ImportRow, RowError
from services.labeling.store.imports import Import, import_of_id, set_done, set_stopped
from services.labeling.use_cases.fields import add_field
from services.labeling.use_cases.import_apply import RowApplier
from services.labeling.use_cases.import_plans import ImportPlan, all_labels, load_plan, names_of_labels
from services.labeling.use_cases.labels import add_label
from shared.events.topics import CATALOG_PARTITION, partition_of
from shared.jobs.job import Job, JobFailed
from shared.jobs.lease import Lease
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork
from shared.yielding import yielding

BUCKETS = 4  # sets of partition numbers; a multiple of the number of groups, so that each is within one group
SETTLE_BATCH_SIZE = 4_000  # rows
APPLY_BATCH_SIZE = 600  # rows; with two labels each, as many events as the relay publishes without delaying others
COUNTS = ("created", "updated", "unchanged", "skipped", "merged", "errors")


def bucket_of(partition: int) -> int:
    """Return the bucket of a partition number."""
    return partition % BUCKETS


def partitions_of(bucket: int, partitions: int) -> list[int]:
    """Return the partition numbers of a bucket."""
    return [partition for partition in range(partitions) if bucket_of(partition) == bucket]


class ImportRun:
    """Applies the rows that the check accepted.

    The cursor has `settled` (the last row whose contact is known), and for each bucket the number of waiting rows
    (`waiting`) and the last applied row (`applied`). Buckets are emptied before more rows are settled.
    """

    kind = "import_run"

    def __init__(self, suppression: SuppressionKeys | None = None) -> None:
        self._suppression = suppression

    async def step(self, lease: Lease) -> None:
        """Create fields and labels, settle the next rows, apply rows of a bucket, or finish."""
        job = lease.job
        an_import = await import_of_id(lease.database.pool, job.account_id, UUID(job.subject))
        if an_import is None or an_import.state != "running":
            raise JobFailed("The import was deleted.")
        waiting = job.cursor.get("waiting", {})
        bucket = next((int(bucket) for bucket, rows in sorted(waiting.items()) if rows > 0), None)
        if "settled" not in job.cursor:
            await self._prepare(lease, an_import)
        elif bucket is not None:
            await self._apply(lease, an_import, bucket)
        elif not job.cursor.get("all_settled"):
            await self._settle(lease, an_import)
        else:
            await self._finish(lease, an_import)

    async def stopped(self, work: UnitOfWork, job: Job) -> None:
        """Record that the import was cancelled or failed. Its effects stay, and can be undone."""
        await set_stopped(work.connection, UUID(job.subject), job.id, job.state, job.failure)

    async def _prepare(self, lease: Lease, an_import: Import) -> None:
        async with lease.advance(CATALOG_PARTITION) as advance:
            work = advance.work
            fields = (await fields_of_accounts(work.connection, [an_import.account_id]))[an_import.account_id]
            for field in new_fields(an_import.columns):
                if field.key in fields:
                    continue
                try:
                    await add_field(work, an_import.account_id, field)
                except ConflictError as error:
                    raise JobFailed(f"The field {field.key} cannot be created: {error.detail}.") from None
                except LimitError as error:
                    raise JobFailed(str(error)) from None
            summary = an_import.summary or {}
            if an_import.options.get("unknown_labels") == "create":
                names = [label["name"] for label in summary["unknown_labels"]]
                try:
                    await _create_labels(work, an_import.account_id, names)
                except LimitError as error:
                    raise JobFailed(str(error)) from None
            advance.cursor.update(settled=0, counts=dict.fromkeys(COUNTS, 0))
            advance.cursor["counts"]["errors"] = summary.get("errors", 0)
            advance.total = summary.get("rows", 0) - summary.get("errors", 0)

    async def _settle(self, lease: Lease, an_import: Import) -> None:
        database, job = lease.database, lease.job
        async with database.pool.acquire() as connection:
            rows = await import_rows.importable_rows(
                connection, an_import.id, an_import.generation, job.cursor["settled"], SETTLE_BATCH_SIZE
            )
            plan = await load_plan(connection, an_import, datetime.now(UTC).date())
        deals, errors, skipped = await _deal(database, an_import, plan, rows)
        async with lease.advance() as advance:
            await import_rows.add_deals(advance.work.connection, an_import.id, deals)
            await import_rows.add_errors(advance.work.connection, an_import.id, an_import.generation, errors)
            cursor = advance.cursor
            waiting = dict.fromkeys(map(str, range(BUCKETS)), 0)
            for bucket, _, _ in deals:
                waiting[str(bucket)] += 1
            cursor.update(waiting=waiting, all_settled=len(rows) < SETTLE_BATCH_SIZE)
            if rows:
                cursor["settled"] = rows[-1].number
            cursor["counts"]["errors"] += len({error.number for error in errors})
            cursor["counts"]["skipped"] += skipped
            advance.done += len(rows) - len(deals)

    async def _apply(self, lease: Lease, an_import: Import, bucket: int) -> None:
        async with lease.advance(*partitions_of(bucket, lease.database.partitions)) as advance:
            connection, cursor = advance.work.connection, advance.cursor
            applied = cursor.setdefault("applied", {})
            rows = await import_rows.dealt_rows(
                connection, an_import.id, an_import.generation, bucket, applied.get(str(bucket), 0), APPLY_BATCH_SIZE
            )
            plan = await load_plan(connection, an_import, datetime.now(UTC).date())
            applier = RowApplier(advance.work, an_import, plan, bucket, self._suppression)
            counts, errors = await applier.apply(rows)
            await import_rows.add_errors(connection, an_import.id, an_import.generation, errors)
            for name, number in counts.items():
                cursor["counts"][name] += number
            # An erasure may have deleted waiting rows, so only a full batch means that others may follow.
            waiting = cursor["waiting"][str(bucket)] - len(rows)
            cursor["waiting"][str(bucket)] = waiting if len(rows) == APPLY_BATCH_SIZE else 0
            if rows:
                applied[str(bucket)] = rows[-1].number
            advance.done += len(rows)

    async def _finish(self, lease: Lease, an_import: Import) -> None:
        async with lease.advance() as advance:
            counts = advance.cursor["counts"]
            await set_done(advance.work.connection, an_import.id, counts)
            advance.total = advance.done
            advance.finish(**counts)


async def _create_labels(work: UnitOfWork, account_id: int, names: Sequence[str]) -> None:
    known = names_of_labels(await all_labels(work.connection, account_id))
    for name in names:
        try:
            trimmed = label_name(name)
            if name_key(trimmed) not in known:
                await add_label(work, account_id, trimmed)
        except (ConflictError, InvalidError):
            continue  # it exists now, or the name is not valid; then its rows are refused


Deals = list[tuple[int, int, int]]  # bucket, row number, contact id


async def _deal(
    database: Database, an_import: Import, plan: ImportPlan, rows: Sequence[ImportRow]
) -> tuple[Deals, list[RowError], int]:
    """Find or allocate the contact of each row; return the deals, the errors, and the number of skipped rows."""
    parsed: list[tuple[ImportRow, ParsedRow]] = []
    errors: list[RowError] = []
    async for row in yielding(rows):
        parsed_row = plan.reader.read(row.cells)
        # A label or a field may have been deleted since the check, whose errors have places below 100.
        errors += [RowError(row.number, place, *problem) for place, problem in enumerate(parsed_row.problems, 100)]
        if not parsed_row.problems:
            parsed.append((row, parsed_row))
    contacts = await _settle(database, an_import.account_id, [row for _, row in parsed], plan.options.mode)
    deals: Deals = []
    skipped = 0
    for (row, _), contact in zip(parsed, contacts, strict=True):
        if isinstance(contact, KeyConflict):
            errors.append(
                RowError(row.number, 100, None, "conflict", "another contact has this address or external id")
            )
        elif contact is None:
            skipped += 1
        else:
            partition = partition_of(an_import.account_id, contact, database.partitions)
            deals.append((bucket_of(partition), row.number, contact))
    return deals, errors, skipped


async def _settle(
    database: Database, account_id: int, rows: Sequence[ParsedRow], mode: str
) -> Sequence[int | KeyConflict | None]:
    """Return the contact id of each row, or its conflict; in mode `update`, None for a contact that does not exist."""
    if mode != "update":
        return (await settle_contacts(database, account_id, [KeyClaim("upsert", row.keys) for row in rows])).rows
    async with database.pool.acquire() as connection:
        names = {ContactName(account_id, *key) for row in rows for key in row.keys}
        contact_ids: dict[Any, int] = await find_contacts(connection, names) if names else {}
    known = [row for row in rows if any(ContactName(account_id, *key) in contact_ids for key in row.keys)]
    settlement = await settle_contacts(database, account_id, [KeyClaim("upsert", row.keys) for row in known])
    contacts = iter(settlement.rows)
    known_rows = {id(row) for row in known}
    return [next(contacts) if id(row) in known_rows else None for row in rows]
