"""Checks an import: reads every row, and finds what importing it would do, without changing anything."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.assignments import Assignment, Pair
from services.labeling.domain.contacts import Contact
from services.labeling.domain.imports.changes import applied, overwritten, size_problem
from services.labeling.domain.imports.rows import CellProblem, ParsedRow, is_blank
from services.labeling.domain.imports.summary import Summary
from services.labeling.domain.names import ContactName
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.domain.tables.reading import read_piece
from services.labeling.store import import_rows
from services.labeling.store.assignments import assignments_of_pairs
from services.labeling.store.contacts import contacts_of
from services.labeling.store.directory import find_contacts
from services.labeling.store.files import PIECE, delete_file, file_of_id, read_range
from services.labeling.store.import_erasure import key_hash
from services.labeling.store.import_rows import CheckedRow, RowError
from services.labeling.store.imports import Import, import_of_id, set_checked, set_stopped
from services.labeling.store.suppressions import suppressed
from services.labeling.use_cases.import_plans import ImportPlan, load_plan
from shared.jobs.job import Job, JobFailed
from shared.jobs.lease import Lease
from shared.store.unit_of_work import UnitOfWork
from shared.yielding import yielding

AT_A_TIME = 5_000  # rows of an earlier check
READ = PIECE // 4  # bytes of a file per step
MOST_ROWS = 2_000_000
ROWS_DELETED = 20_000


class Batch(NamedTuple):
    """Rows to check, where the next ones begin, and whether these are the last."""

    rows: list[tuple[int, list[str] | str]]
    cursor: dict[str, Any]
    is_last: bool


class ImportCheck:
    """Reads the file, or the rows of an earlier check when only the mapping has changed."""

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
        """Record that the check was cancelled or has failed."""
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
                connection, an_import.id, an_import.checked_generation, after, AT_A_TIME
            )
            last = rows[-1].number if rows else after
            return Batch([(row.number, row.cells) for row in rows], {"number": last}, len(rows) < AT_A_TIME)
        return await self._read_file(connection, an_import, an_import.file_id, cursor)

    async def _read_file(
        self, connection: PoolConnectionProxy, an_import: Import, file_id: UUID, cursor: dict[str, Any]
    ) -> Batch:
        stored = await file_of_id(connection, an_import.account_id, file_id)
        if stored is None:
            raise JobFailed("The file has been deleted: it was kept for 7 days. Upload it again.")
        plan = await load_plan(connection, an_import, datetime.now(UTC).date())
        offset, number = cursor.get("offset", plan.format.skip), cursor.get("number", 0)
        length = READ
        while True:
            content = await read_range(connection, file_id, offset, length)
            is_last = offset + len(content) >= stored.size
            piece = read_piece(plan.format, content, is_last=is_last)
            if piece.consumed or is_last:
                break
            if length >= 8 * PIECE:
                raise JobFailed(f"A row after row {number} is longer than 8 MB.")
            length *= 2
        if number + len(piece.rows) > self._most_rows + plan.format.header:
            raise JobFailed(f"The file has more than {self._most_rows:,} rows.")
        rows = [
            (number + place, row)
            for place, row in enumerate(piece.rows, 1)
            if number + place > plan.format.header and (isinstance(row, str) or not is_blank(row))
        ]
        after = {"offset": offset + piece.consumed, "number": number + len(piece.rows)}
        return Batch(rows, after, is_last)

    async def _finish(self, lease: Lease, an_import: Import) -> None:
        async with lease.advance() as advance:
            connection = advance.work.connection
            plan = await load_plan(connection, an_import, datetime.now(UTC).date())
            summary = Summary.of(advance.cursor.get("summary", {}))
            duplicates, created_twice = await import_rows.count_duplicates(
                connection, an_import.id, an_import.generation
            )
            shown = summary.as_shown(list(plan.labels.values()), duplicates, created_twice)
            await set_checked(connection, an_import.id, an_import.generation, shown)
            if an_import.file_id is not None:
                await delete_file(connection, an_import.file_id)
            more = await import_rows.delete_rows_before(connection, an_import.id, an_import.generation, ROWS_DELETED)
            advance.total = advance.done
            advance.cursor = {"phase": "clean"}
            if not more:
                advance.finish(rows=summary.rows)

    async def _clean(self, lease: Lease, an_import: Import) -> None:
        """Delete the rows of earlier checks."""
        async with lease.advance() as advance:
            if not await import_rows.delete_rows_before(
                advance.work.connection, an_import.id, an_import.generation, ROWS_DELETED
            ):
                advance.finish(rows=advance.done)


class RowChecker:
    """Decides what importing rows would do, given the present data."""

    def __init__(
        self,
        connection: PoolConnectionProxy,
        an_import: Import,
        plan: ImportPlan,
        summary: Summary,
        suppression: SuppressionKeys | None = None,
    ) -> None:
        self._connection = connection
        self._account_id = an_import.account_id
        self._hash_key = an_import.hash_key
        self._plan = plan
        self._summary = summary
        self._suppression = suppression

    async def check(self, rows: Sequence[tuple[int, list[str] | str]]) -> tuple[list[CheckedRow], list[RowError]]:
        """Return the result for each row, and the reasons of refused rows."""
        parsed: list[ParsedRow | CellProblem] = []
        async for _, cells in yielding(rows):
            parsed.append(
                CellProblem(None, "unreadable", cells) if isinstance(cells, str) else self._plan.reader.read(cells)
            )
        readable = [row for row in parsed if isinstance(row, ParsedRow)]
        found = await self._find(readable)
        contacts = await contacts_of(self._connection, {(self._account_id, who) for who in found.values()})
        stored = await self._assignments(readable, found)
        self._summary.suppressed += await self._count_suppressed(readable)
        checked: list[CheckedRow] = []
        errors: list[RowError] = []
        for (number, cells), row in zip(rows, parsed, strict=True):
            outcome = "error"
            problems: tuple[CellProblem, ...] = ()
            hashes: tuple[bytes | None, bytes | None] = (None, None)
            if isinstance(row, CellProblem):
                problems = (row,)
            else:
                outcome, problems = self._decide(row, found, contacts, stored)
                hashes = self._hashes(row)
                self._summary.miss(row.unknown)
            self._summary.count(outcome)
            self._summary.refuse(number, problems)
            errors += [RowError(number, place, *problem) for place, problem in enumerate(problems)]
            checked.append(CheckedRow(number, [] if isinstance(cells, str) else cells, outcome, *hashes))
        return checked, errors

    async def _count_suppressed(self, rows: Sequence[ParsedRow]) -> int:
        """Return how many rows have a suppressed address, whose contacts will be blocked."""
        if self._suppression is None:
            return 0
        emails = [row.email_key for row in rows if row.email_key is not None and not row.problems]
        hashes = {one.value: email for email in emails for one in self._suppression.hashes(self._account_id, email)}
        named = {hashes[value] for value in await suppressed(self._connection, self._account_id, list(hashes))}
        return sum(email in named for email in emails)

    async def _find(self, rows: Sequence[ParsedRow]) -> dict[ContactName, int]:
        names = {ContactName(self._account_id, *key) for row in rows for key in row.keys}
        return await find_contacts(self._connection, names) if names else {}

    async def _assignments(self, rows: Sequence[ParsedRow], found: dict[ContactName, int]) -> dict[Pair, Assignment]:
        pairs = {
            (self._plan.labels[label_id].no, contact_id)
            for row in rows
            for contact_id in self._contacts_of(row, found)
            for label_id in row.label_ids
            if label_id in self._plan.labels
        }
        return await assignments_of_pairs(self._connection, pairs)

    def _contacts_of(self, row: ParsedRow, found: dict[ContactName, int]) -> list[int]:
        """Return the contacts that have the keys of a row: none, one, or two."""
        ids = (found.get(ContactName(self._account_id, *key)) for key in row.keys)
        return list(dict.fromkeys(contact_id for contact_id in ids if contact_id is not None))

    def _decide(
        self,
        row: ParsedRow,
        found: dict[ContactName, int],
        contacts: dict[tuple[int, int], Contact],
        stored: dict[Pair, Assignment],
    ) -> tuple[str, tuple[CellProblem, ...]]:
        if row.problems:
            return "error", row.problems
        ids = self._contacts_of(row, found)
        mode = self._plan.options.mode
        if len(ids) > 1:
            detail = "the e-mail address and the external id belong to two different contacts"
            return "error", (CellProblem(None, "conflict", detail),)
        if not ids:
            return self._decide_new(row)
        before = contacts[self._account_id, ids[0]]
        problem = conflict_of(row, before)
        if problem is not None:
            return "error", (problem,)
        if mode == "create":
            return "skipped", ()
        after, members = applied(before, row, self._plan.options)
        problem = size_problem(before, after)
        if problem is not None:
            return "error", (problem,)
        self._summary.overwrite(overwritten(before, members))
        gains = any(
            not stored.get((self._plan.labels[label_id].no, ids[0]), Assignment()).held
            for label_id in row.label_ids
            if label_id in self._plan.labels
        )
        return ("update" if after != before or gains else "unchanged"), ()

    def _decide_new(self, row: ParsedRow) -> tuple[str, tuple[CellProblem, ...]]:
        if self._plan.options.mode == "update":
            return "skipped", ()
        if row.email is None:
            return "error", (CellProblem(None, "no_email", "a new contact needs an e-mail address"),)
        problem = size_problem(None, applied(None, row, self._plan.options)[0])
        return ("create", ()) if problem is None else ("error", (problem,))

    def _hashes(self, row: ParsedRow) -> tuple[bytes | None, bytes | None]:
        return key_hash(self._hash_key, "email", row.email_key), key_hash(self._hash_key, "external", row.external_id)


def conflict_of(row: ParsedRow, contact: Contact) -> CellProblem | None:
    """Return why a row conflicts with the contact that has one of its keys; None if it does not."""
    if row.external_id is not None and contact.external_id not in (None, row.external_id):
        return CellProblem(None, "conflict", "the contact with this e-mail address has another external id")
    return None
