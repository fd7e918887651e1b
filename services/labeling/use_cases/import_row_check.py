"""Finds out what importing the next rows would do, given the current data."""

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
    """A row of a table, its keys, and the ids of the contacts that have these keys: none, one or two.

    `cells` is the problem's text if the row cannot be read; `row` is then the problem.
    """

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
        """Return the result for each row, and the errors of refused rows."""
        candidates = await self._find(rows)
        contacts = await self._load(candidates)
        decisions = await self._decide(candidates, contacts)
        is_imported = [decision.outcome in IMPORTED for decision in decisions]
        keys = [
            (
                *candidate.keys,
                *chain.from_iterable(keys_of(contacts[contact_id]) for contact_id in candidate.contact_ids),
            )
            if imported
            else ()
            for candidate, imported in zip(candidates, is_imported, strict=True)
        ]
        repeats = await find_repeats(self._connection, self._import, keys, self._hashes)
        suppressed_keys = await self._suppressed(
            chain.from_iterable(compress((candidate.keys for candidate in candidates), is_imported))
        )
        checked: list[CheckedRow] = []
        errors: list[RowError] = []
        for candidate, decision, imported, is_repeat in zip(candidates, decisions, is_imported, repeats, strict=True):
            is_suppressed = imported and not suppressed_keys.isdisjoint(candidate.keys)
            outcome = "duplicate" if is_repeat else decision.outcome
            self._count(candidate, decision, outcome, is_suppressed=is_suppressed)
            errors += [RowError(candidate.number, place, *problem) for place, problem in enumerate(decision.problems)]
            checked.append(self._checked(candidate, outcome, is_suppressed=is_suppressed))
        return checked, errors

    async def _find(self, rows: Sequence[tuple[int, list[str] | str]]) -> list[Candidate]:
        """Read rows, and find the contacts that have their keys."""
        parsed: list[tuple[ParsedRow | CellProblem, Sequence[Key]]] = []
        async for _, cells in yielding(rows):
            if isinstance(cells, str):
                parsed.append((CellProblem(None, "unreadable", cells), ()))
            else:
                row = self._plan.reader.read(cells)
                parsed.append((row, row.keys))
        names = {ContactName(self._account_id, *key): key for _, keys in parsed for key in keys}
        by_name = await find_contacts(self._connection, names) if names else {}
        by_key = {names[name]: contact_id for name, contact_id in by_name.items()}
        return [
            Candidate(number, cells, row, keys, tuple(dict.fromkeys(by_key[key] for key in keys if key in by_key)))
            for (number, cells), (row, keys) in zip(rows, parsed, strict=True)
        ]

    async def _load(self, candidates: Sequence[Candidate]) -> dict[int, Contact]:
        """Return the contacts of the rows as they are now, by id."""
        ids = {(self._account_id, contact_id) for candidate in candidates for contact_id in candidate.contact_ids}
        contacts = await contacts_of(self._connection, ids)
        return {contact_id: contact for (_, contact_id), contact in contacts.items()}

    async def _decide(self, candidates: Sequence[Candidate], contacts: Mapping[int, Contact]) -> list[Decision]:
        labels = [self._label_nos(candidate.row) if candidate.contact_ids else () for candidate in candidates]
        pairs = {
            (label_no, contact_id)
            for candidate, label_nos in zip(candidates, labels, strict=True)
            for contact_id in candidate.contact_ids
            for label_no in label_nos
        }
        held = {pair for pair, stored in (await assignments_of_pairs(self._connection, pairs)).items() if stored.held}
        decisions: list[Decision] = []
        async for candidate, label_nos in yielding(zip(candidates, labels, strict=True)):
            if isinstance(candidate.row, CellProblem):
                decisions.append(Decision("error", (candidate.row,)))
                continue
            gains = any(
                (label_no, contact_id) not in held for contact_id in candidate.contact_ids for label_no in label_nos
            )
            current = [contacts[contact_id] for contact_id in candidate.contact_ids]
            decisions.append(decide(candidate.row, current, self._plan.options, gains=gains))
        return decisions

    def _label_nos(self, row: ParsedRow | CellProblem) -> list[int]:
        if isinstance(row, CellProblem):
            return []
        return [self._plan.labels[label_id].no for label_id in row.label_ids if label_id in self._plan.labels]

    async def _suppressed(self, keys: Iterable[Key]) -> set[Key]:
        """Return the keys of suppressed addresses. The import blocks the contacts that have them."""
        if self._suppression is None:
            return set()
        hashes = {
            key_hash.value: key
            for key in keys
            if key[0] == "email"
            for key_hash in self._suppression.hashes(self._account_id, key[1])
        }
        return {hashes[value] for value in await suppressed(self._connection, self._account_id, list(hashes))}

    def _count(self, candidate: Candidate, decision: Decision, outcome: RowOutcome, *, is_suppressed: bool) -> None:
        if isinstance(candidate.row, ParsedRow):
            self._summary.miss(candidate.row.unknown)
        self._summary.overwrite(decision.overwrites)
        self._summary.count(outcome, suppressed=is_suppressed)
        self._summary.refuse(candidate.number, decision.problems)

    def _checked(self, candidate: Candidate, outcome: RowOutcome, *, is_suppressed: bool) -> CheckedRow:
        """Return the result for a row, with the hashes of its keys, by which an erasure finds the row."""
        hashes: dict[Kind, bytes] = {key[0]: self._hashes[key] for key in candidate.keys}
        cells = [] if isinstance(candidate.cells, str) else candidate.cells
        return CheckedRow(candidate.number, cells, outcome, is_suppressed, hashes.get("email"), hashes.get("external"))
