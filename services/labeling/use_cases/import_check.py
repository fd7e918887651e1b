"""Checks an import: reads every row, and finds out what importing it would do, without changing any contact."""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.imports.rows import is_blank
from services.labeling.domain.imports.summary import Summary
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.domain.tables.reading import read_piece
from services.labeling.store import import_rows
from services.labeling.store.files import PIECE, delete_file, file_of_id, read_range
from services.labeling.store.imports import Import, import_of_id, set_checked, set_stopped
from services.labeling.use_cases.import_plans import load_plan
from services.labeling.use_cases.import_row_check import RowChecker
from shared.jobs.job import Job, JobFailed
from shared.jobs.lease import Lease
from shared.store.unit_of_work import UnitOfWork

BATCH_SIZE = 5_000  # rows of an earlier check, per step
READ_SIZE = PIECE // 4  # bytes of a file, per step
MOST_ROWS = 2_000_000
DELETE_BATCH_SIZE = 20_000  # rows of earlier checks, per step


class Batch(NamedTuple):
    """Rows to check with their numbers, the cursor of the next ones, and whether these are the last."""

    rows: list[tuple[int, list[str] | str]]
    cursor: dict[str, Any]
    is_last: bool


class ImportCheck:
    """Checks the rows of the file, or, after the first check, the stored rows of the latest one."""

    kind = "import_check"

    def __init__(self, most_rows: int = MOST_ROWS, suppression: SuppressionKeys | None = None) -> None:
        self._most_rows = most_rows
        self._suppression = suppression

    async def step(self, lease: Lease) -> None:
        """Check the next rows, or finish."""
        job = lease.job
        an_import = await import_of_id(lease.database.pool, job.account_id, UUID(job.subject))
        if an_import is None or an_import.job_id != job.id or an_import.state != "checking":
            async with lease.advance() as advance:
                advance.finish(superseded=True)
        elif job.cursor.get("phase") == "clean":
            await self._clean(lease, an_import)
        elif job.cursor.get("phase") == "finish":
            await self._finish(lease, an_import)
        else:
            await self._check(lease, an_import)

    async def stopped(self, work: UnitOfWork, job: Job) -> None:
        """Record that the check was cancelled or failed."""
        await set_stopped(work.connection, UUID(job.subject), job.id, job.state, job.failure)

    async def _check(self, lease: Lease, an_import: Import) -> None:
        async with lease.advance() as advance:
            connection = advance.work.connection
            batch = await self._read(connection, an_import, advance.cursor)
            plan = await load_plan(connection, an_import, datetime.now(UTC).date())
            summary = Summary.of(advance.cursor.get("summary", {}))
            checker = RowChecker(connection, an_import, plan, summary, self._suppression)
            checked, errors = await checker.check(batch.rows)
            await import_rows.add_rows(connection, an_import.id, an_import.generation, checked, errors)
            advance.cursor.update(batch.cursor, summary=summary.as_stored())
            advance.done += len(checked)
            if batch.is_last:
                advance.cursor["phase"] = "finish"

    async def _read(self, connection: PoolConnectionProxy, an_import: Import, cursor: dict[str, Any]) -> Batch:
        if an_import.file_id is None:
            after = cursor.get("number", 0)
            rows = await import_rows.rows_after(
                connection, an_import.id, an_import.checked_generation, after, BATCH_SIZE
            )
            last = rows[-1].number if rows else after
            return Batch([(row.number, row.cells) for row in rows], {"number": last}, len(rows) < BATCH_SIZE)
        return await self._read_file(connection, an_import, an_import.file_id, cursor)

    async def _read_file(
        self, connection: PoolConnectionProxy, an_import: Import, file_id: UUID, cursor: dict[str, Any]
    ) -> Batch:
        file = await file_of_id(connection, an_import.account_id, file_id)
        if file is None:
            raise JobFailed("The file has been deleted: it was kept for 7 days. Upload it again.")
        plan = await load_plan(connection, an_import, datetime.now(UTC).date())
        offset, number = cursor.get("offset", plan.format.skip), cursor.get("number", 0)
        length = READ_SIZE
        while True:
            content = await read_range(connection, file_id, offset, length)
            is_last = offset + len(content) >= file.size
            piece = read_piece(plan.format, content, is_last=is_last)
            if piece.consumed or is_last:
                break
            if length >= 8 * PIECE:
                raise JobFailed(f"A row after row {number} is longer than 8 MB.")
            length *= 2
        if number + len(piece.rows) > self._most_rows + plan.format.header:
            raise JobFailed(f"The file has more than {self._most_rows:,} rows.")
        rows = [
            (row_number, row)
            for row_number, row in enumerate(piece.rows, number + 1)
            if row_number > plan.format.header and (isinstance(row, str) or not is_blank(row))
        ]
        next_cursor = {"offset": offset + piece.consumed, "number": number + len(piece.rows)}
        return Batch(rows, next_cursor, is_last)

    async def _finish(self, lease: Lease, an_import: Import) -> None:
        async with lease.advance() as advance:
            connection = advance.work.connection
            plan = await load_plan(connection, an_import, datetime.now(UTC).date())
            summary = Summary.of(advance.cursor.get("summary", {}))
            await set_checked(
                connection, an_import.id, an_import.generation, summary.as_shown(list(plan.labels.values()))
            )
            if an_import.file_id is not None:
                await delete_file(connection, an_import.file_id)
            has_more = await import_rows.delete_rows_before(
                connection, an_import.id, an_import.generation, DELETE_BATCH_SIZE
            )
            advance.total = advance.done
            advance.cursor = {"phase": "clean"}
            if not has_more:
                advance.finish(rows=summary.rows)

    async def _clean(self, lease: Lease, an_import: Import) -> None:
        """Delete the rows of earlier checks."""
        async with lease.advance() as advance:
            if not await import_rows.delete_rows_before(
                advance.work.connection, an_import.id, an_import.generation, DELETE_BATCH_SIZE
            ):
                advance.finish(rows=advance.done)
