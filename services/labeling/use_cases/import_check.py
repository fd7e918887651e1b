"""Checks an import: reads every row, and finds what importing it would do, without changing anything."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.assignments import Assignment, Pair
from services.labeling.domain.contacts import Contact, keys_of
from services.labeling.domain.directory import Key, Kind
from services.labeling.domain.imports.changes import applied, overwritten, size_problem
from services.labeling.domain.imports.rows import CellProblem, ParsedRow, is_blank
from services.labeling.domain.imports.summary import RowOutcome, Summary
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
from services.labeling.use_cases.import_repeats import find_repeats
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
            shown = summary.as_shown(list(plan.labels.values()))
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


class Decision(NamedTuple):
    """What importing a row by itself would do, and why it is refused."""

    outcome: RowOutcome
    problems: tuple[CellProblem, ...] = ()


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
        self._import = an_import
        self._account_id = an_import.account_id
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
        decided = [
            Decision("error", (row,)) if isinstance(row, CellProblem) else self._decide(row, found, contacts, stored)
            for row in parsed
        ]
        imported = [
            row if isinstance(row, ParsedRow) and decision.outcome not in ("error", "skipped") else None
            for row, decision in zip(parsed, decided, strict=True)
        ]
        keys = [() if row is None else self._keys(row, found, contacts) for row in imported]
        repeated = await find_repeats(self._connection, self._import, keys)
        blocked = await self._suppressed([row.email_key for row in imported if row and row.email_key])
        checked: list[CheckedRow] = []
        errors: list[RowError] = []
        for place, (number, cells) in enumerate(rows):
            row, (outcome, problems) = parsed[place], decided[place]
            hashes: tuple[bytes | None, bytes | None] = (None, None)
            if isinstance(row, ParsedRow):
                hashes = self._hash("email", row.email_key), self._hash("external", row.external_id)
                self._summary.miss(row.unknown)
            if repeated[place]:
                outcome = "duplicate"
            used = imported[place]
            is_suppressed = used is not None and used.email_key in blocked
            self._summary.count(outcome, suppressed=is_suppressed)
            self._summary.refuse(number, problems)
            errors += [RowError(number, order, *problem) for order, problem in enumerate(problems)]
            kept = [] if isinstance(cells, str) else cells
            checked.append(CheckedRow(number, kept, outcome, is_suppressed, *hashes))
        return checked, errors

    async def _suppressed(self, emails: Collection[str]) -> set[str]:
        """Return which of the addresses are suppressed: the import will block their contacts."""
        if self._suppression is None:
            return set()
        hashes = {one.value: email for email in emails for one in self._suppression.hashes(self._account_id, email)}
        return {hashes[value] for value in await suppressed(self._connection, self._account_id, list(hashes))}

    def _keys(
        self, row: ParsedRow, found: Mapping[Key, int], contacts: Mapping[tuple[int, int], Contact]
    ) -> tuple[Key, ...]:
        """Return the keys of a row and of its contact, which another row may have."""
        ids = self._contacts_of(row, found)
        return row.keys + tuple(chain.from_iterable(keys_of(contacts[self._account_id, one]) for one in ids))

    async def _find(self, rows: Sequence[ParsedRow]) -> dict[Key, int]:
        """Return the contacts that have keys of the rows, by key."""
        names = {ContactName(self._account_id, *key): key for row in rows for key in row.keys}
        found = await find_contacts(self._connection, names) if names else {}
        return {names[name]: contact_id for name, contact_id in found.items()}

    async def _assignments(self, rows: Sequence[ParsedRow], found: Mapping[Key, int]) -> dict[Pair, Assignment]:
        pairs = {
            (self._plan.labels[label_id].no, contact_id)
            for row in rows
            for contact_id in self._contacts_of(row, found)
            for label_id in row.label_ids
            if label_id in self._plan.labels
        }
        return await assignments_of_pairs(self._connection, pairs)

    def _contacts_of(self, row: ParsedRow, found: Mapping[Key, int]) -> list[int]:
        """Return the contacts that have the keys of a row: none, one, or two."""
        return list(dict.fromkeys(found[key] for key in row.keys if key in found))

    def _decide(
        self,
        row: ParsedRow,
        found: Mapping[Key, int],
        contacts: Mapping[tuple[int, int], Contact],
        stored: Mapping[Pair, Assignment],
    ) -> Decision:
        if row.problems:
            return Decision("error", row.problems)
        ids = self._contacts_of(row, found)
        mode = self._plan.options.mode
        if len(ids) > 1:
            detail = "the e-mail address and the external id belong to two different contacts"
            return Decision("error", (CellProblem(None, "conflict", detail),))
        if not ids:
            return self._decide_new(row)
        before = contacts[self._account_id, ids[0]]
        problem = conflict_of(row, before)
        if problem is not None:
            return Decision("error", (problem,))
        if mode == "create":
            return Decision("skipped")
        after, members = applied(before, row, self._plan.options)
        problem = size_problem(before, after)
        if problem is not None:
            return Decision("error", (problem,))
        self._summary.overwrite(overwritten(before, members))
        gains = any(
            not stored.get((self._plan.labels[label_id].no, ids[0]), Assignment()).held
            for label_id in row.label_ids
            if label_id in self._plan.labels
        )
        return Decision("update" if after != before or gains else "unchanged")

    def _decide_new(self, row: ParsedRow) -> Decision:
        if self._plan.options.mode == "update":
            return Decision("skipped")
        if row.email is None:
            return Decision("error", (CellProblem(None, "no_email", "a new contact needs an e-mail address"),))
        problem = size_problem(None, applied(None, row, self._plan.options)[0])
        return Decision("create") if problem is None else Decision("error", (problem,))

    def _hash(self, kind: Kind, key: str | None) -> bytes | None:
        return None if key is None else key_hash(self._import.hash_key, kind, key)


def conflict_of(row: ParsedRow, contact: Contact) -> CellProblem | None:
    """Return why a row conflicts with the contact that has one of its keys; None if it does not."""
    if row.external_id is not None and contact.external_id not in (None, row.external_id):
        return CellProblem(None, "conflict", "the contact with this e-mail address has another external id")
    return None
