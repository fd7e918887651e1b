"""Finds what importing the next rows would do, given the present data."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, compress
from typing import NamedTuple

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.contacts import Contact, keys_of
from services.labeling.domain.directory import Key, Kind
from services.labeling.domain.imports.decisions import Decision, decide
from services.labeling.domain.imports.rows import CellProblem, ParsedRow
from services.labeling.domain.imports.summary import RowOutcome, Summary
from services.labeling.domain.names import ContactName
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.store.assignments import assignments_of_pairs
from services.labeling.store.contacts import contacts_of
from services.labeling.store.directory import find_contacts
from services.labeling.store.import_erasure import KeyHashes
from services.labeling.store.import_rows import CheckedRow, RowError
from services.labeling.store.imports import Import
from services.labeling.store.suppressions import suppressed
from services.labeling.use_cases.import_plans import ImportPlan
from services.labeling.use_cases.import_repeats import find_repeats
from shared.yielding import yielding

IMPORTED = frozenset({"create", "update", "unchanged"})


class Candidate(NamedTuple):
    """A row of a table as it was read, its keys, and the ids of the contacts that have them: none, one, or two."""

    number: int
    cells: list[str] | str
    row: ParsedRow | CellProblem
    keys: Sequence[Key]
    contact_ids: Sequence[int]


class RowChecker:
    """Decides what importing rows would do, and counts it in `summary`."""

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
        self._hashes = KeyHashes(an_import.hash_key)

    async def check(self, rows: Sequence[tuple[int, list[str] | str]]) -> tuple[list[CheckedRow], list[RowError]]:
        """Return the result for each row, and the reasons of refused rows."""
        candidates = await self._find(rows)
        contacts = await self._load(candidates)
        decisions = await self._decide(candidates, contacts)
        is_imported = [decision.outcome in IMPORTED for decision in decisions]
        keys = [
            (*one.keys, *chain.from_iterable(keys_of(contacts[who]) for who in one.contact_ids)) if used else ()
            for one, used in zip(candidates, is_imported, strict=True)
        ]
        repeated = await find_repeats(self._connection, self._import, keys, self._hashes)
        blocked = await self._suppressed(chain.from_iterable(compress((one.keys for one in candidates), is_imported)))
        checked: list[CheckedRow] = []
        errors: list[RowError] = []
        for one, decision, used, repeats in zip(candidates, decisions, is_imported, repeated, strict=True):
            is_suppressed = used and not blocked.isdisjoint(one.keys)
            outcome = "duplicate" if repeats else decision.outcome
            self._count(one, decision, outcome, is_suppressed=is_suppressed)
            errors += [RowError(one.number, order, *problem) for order, problem in enumerate(decision.problems)]
            checked.append(self._checked(one, outcome, is_suppressed=is_suppressed))
        return checked, errors

    async def _find(self, rows: Sequence[tuple[int, list[str] | str]]) -> list[Candidate]:
        """Read rows, and find the contacts that have their keys."""
        read: list[tuple[ParsedRow | CellProblem, Sequence[Key]]] = []
        async for _, cells in yielding(rows):
            if isinstance(cells, str):
                read.append((CellProblem(None, "unreadable", cells), ()))
            else:
                row = self._plan.reader.read(cells)
                read.append((row, row.keys))
        names = {ContactName(self._account_id, *key): key for _, keys in read for key in keys}
        known = await find_contacts(self._connection, names) if names else {}
        found = {names[name]: contact_id for name, contact_id in known.items()}
        return [
            Candidate(number, cells, row, keys, tuple(dict.fromkeys(found[key] for key in keys if key in found)))
            for (number, cells), (row, keys) in zip(rows, read, strict=True)
        ]

    async def _load(self, candidates: Sequence[Candidate]) -> dict[int, Contact]:
        """Return the present contacts by id."""
        ids = {(self._account_id, contact_id) for one in candidates for contact_id in one.contact_ids}
        found = await contacts_of(self._connection, ids)
        return {contact_id: contact for (_, contact_id), contact in found.items()}

    async def _decide(self, candidates: Sequence[Candidate], contacts: Mapping[int, Contact]) -> list[Decision]:
        labels = [self._label_nos(one.row) if one.contact_ids else () for one in candidates]
        pairs = {
            (label_no, contact_id)
            for one, label_nos in zip(candidates, labels, strict=True)
            for contact_id in one.contact_ids
            for label_no in label_nos
        }
        held = {pair for pair, stored in (await assignments_of_pairs(self._connection, pairs)).items() if stored.held}
        decisions: list[Decision] = []
        async for one, label_nos in yielding(zip(candidates, labels, strict=True)):
            if isinstance(one.row, CellProblem):
                decisions.append(Decision("error", (one.row,)))
                continue
            gains = any((label_no, who) not in held for who in one.contact_ids for label_no in label_nos)
            present = [contacts[contact_id] for contact_id in one.contact_ids]
            decisions.append(decide(one.row, present, self._plan.options, gains=gains))
        return decisions

    def _label_nos(self, row: ParsedRow | CellProblem) -> list[int]:
        if isinstance(row, CellProblem):
            return []
        return [self._plan.labels[label_id].no for label_id in row.label_ids if label_id in self._plan.labels]

    async def _suppressed(self, keys: Iterable[Key]) -> set[Key]:
        """Return the keys of suppressed addresses: the import will block their contacts."""
        if self._suppression is None:
            return set()
        hashes = {
            one.value: key
            for key in keys
            if key[0] == "email"
            for one in self._suppression.hashes(self._account_id, key[1])
        }
        return {hashes[value] for value in await suppressed(self._connection, self._account_id, list(hashes))}

    def _count(self, one: Candidate, decision: Decision, outcome: RowOutcome, *, is_suppressed: bool) -> None:
        if isinstance(one.row, ParsedRow):
            self._summary.miss(one.row.unknown)
        self._summary.overwrite(decision.overwrites)
        self._summary.count(outcome, suppressed=is_suppressed)
        self._summary.refuse(one.number, decision.problems)

    def _checked(self, one: Candidate, outcome: RowOutcome, *, is_suppressed: bool) -> CheckedRow:
        """Return the result with the hashes of the row's keys, by which erasing a contact finds it."""
        hashes: dict[Kind, bytes] = {key[0]: self._hashes[key] for key in one.keys}
        cells = [] if isinstance(one.cells, str) else one.cells
        return CheckedRow(one.number, cells, outcome, is_suppressed, hashes.get("email"), hashes.get("external"))
