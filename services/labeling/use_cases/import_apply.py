"""Applies rows of an import to their contacts, in one unit of work."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from services.labeling.domain.assignments import AssertLabel
from services.labeling.domain.contacts import NO_FIELDS, Contact, keys_of
from services.labeling.domain.directory import Key
from services.labeling.domain.imports.changes import applied, size_problem
from services.labeling.domain.imports.decisions import conflict_of
from services.labeling.domain.imports.rows import ParsedRow
from services.labeling.domain.names import names_of
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.store import import_rows
from services.labeling.store.directory import delete_entries, lock_entries
from services.labeling.store.import_rows import DealtRow, ImportEffect, ImportOutcome, RowError
from services.labeling.store.imports import Import
from services.labeling.use_cases.assignment_changes import load_assignments, record_assignments
from services.labeling.use_cases.contact_changes import Changes, load_contacts, record_contacts
from services.labeling.use_cases.import_plans import ImportPlan
from services.labeling.use_cases.suppressions import block_suppressed
from shared.events.parts import Origin
from shared.store.unit_of_work import UnitOfWork
from shared.yielding import yielding


class RowApplier:
    """Applies rows; rows about the same contact are merged in their order, and change it once."""

    def __init__(
        self, work: UnitOfWork, an_import: Import, plan: ImportPlan, bucket: int, suppression: SuppressionKeys | None
    ) -> None:
        self._work = work
        self._import = an_import
        self._account_id = an_import.account_id
        self._plan = plan
        self._bucket = bucket
        self._suppression = suppression
        self._counts: Counter[str] = Counter()
        self._errors: list[RowError] = []
        self._repeated: set[int] = set()  # contacts that an earlier unit of work counted

    async def apply(self, rows: Sequence[DealtRow]) -> tuple[Mapping[str, int], list[RowError]]:
        """Apply rows; return the number of rows by outcome, and the reasons of refused rows."""
        parsed: list[tuple[DealtRow, ParsedRow]] = []
        async for row in yielding(rows):
            read = self._plan.reader.read(row.cells)
            if read.problems:
                self._refuse(row, read.problems[0].code, read.problems[0].detail)
            else:
                parsed.append((row, read))
        ids = {row.contact_id for row, _ in parsed}
        contacts = await load_contacts(self._work, {(self._account_id, contact_id) for contact_id in ids})
        before = {contact_id: contacts.find((self._account_id, contact_id)) for contact_id in ids}
        claimed = {contact_id: set(keys_of(contact)) for contact_id, contact in before.items()}
        for row, read in parsed:
            claimed[row.contact_id].update(read.keys)
        owners = await lock_entries(
            self._work.connection, self._account_id, (key for keys in claimed.values() for key in keys)
        )
        effects = await import_rows.effects_of(self._work.connection, self._import.id, ids)
        states: dict[int, Contact | None] = dict(before)
        labels: dict[int, dict[int, None]] = {}
        touched: set[int] = set()
        for row, read in parsed:
            if self._merge(row, read, states, owners, effects, touched):
                wanted = labels.setdefault(row.contact_id, {})
                wanted.update(
                    (self._plan.labels[label_id].no, None)
                    for label_id in read.label_ids
                    if label_id in self._plan.labels
                )
        self._put(contacts, before, states)
        await block_suppressed(self._work, self._suppression, contacts)
        await record_contacts(self._work, contacts)
        gained = await self._assign(labels, effects)
        outcomes = {one: _outcome(before[one], states[one], gained=one in gained) for one in touched}
        self._counts.update(outcomes[contact_id] for contact_id in touched - self._repeated)
        await self._tidy(claimed, states, before, owners)
        await import_rows.write_effects(
            self._work.connection,
            self._import.id,
            self._account_id,
            self._bucket,
            [effects[contact_id]._replace(outcome=outcomes[contact_id]) for contact_id in sorted(touched)],
            self._work.now,
        )
        return self._counts, self._errors

    def _merge(
        self,
        row: DealtRow,
        read: ParsedRow,
        states: dict[int, Contact | None],
        owners: Mapping[Key, int],
        effects: dict[int, ImportEffect],
        touched: set[int],
    ) -> bool:
        """Apply a row to its contact; return False if the row is refused or skipped."""
        state, effect = states[row.contact_id], effects.get(row.contact_id)
        if any(owners.get(key) != row.contact_id for key in read.keys):
            return self._refuse(row, "conflict", "another contact has this address or external id")
        if state is not None and effect is None and self._plan.options.mode == "create":
            self._counts["skipped"] += 1
            return False
        if state is None and read.email is None:
            return self._refuse(row, "no_email", "a new contact needs an e-mail address")
        problem = None if state is None else conflict_of(read, state)
        if problem is not None:
            return self._refuse(row, problem.code, problem.detail)
        after, members = applied(state, read, self._plan.options)
        problem = size_problem(NO_FIELDS if state is None else state.fields, after.fields)
        if problem is not None:
            return self._refuse(row, problem.code, problem.detail)
        states[row.contact_id] = after
        if effect is None:
            effects[row.contact_id] = ImportEffect(row.contact_id, state is None, members, [], self._work.now)
        else:
            effects[row.contact_id] = effect._replace(members=_merged(effect.members, members))
            # An earlier row of the file was about the same contact.
            self._counts["merged"] += 1
            if row.contact_id not in touched:
                self._repeated.add(row.contact_id)
        touched.add(row.contact_id)
        return True

    def _refuse(self, row: DealtRow, code: str, detail: str) -> bool:
        self._errors.append(RowError(row.number, 100, None, code, detail))
        self._counts["errors"] += 1
        return False

    def _put(
        self, contacts: Changes, before: Mapping[int, Contact | None], states: Mapping[int, Contact | None]
    ) -> None:
        origin = Origin(kind="import", ref=str(self._import.id))
        for contact_id in sorted(states):
            state = states[contact_id]
            if state is not None and state != before[contact_id]:
                # The legal basis for writing to the contact. Ending a subscription needs none.
                basis = self._plan.options.basis if state.subscription in ("subscribed", "unconfirmed") else None
                contacts.put((self._account_id, contact_id), state, self._work.now, origin, wording=basis)

    async def _assign(self, labels: Mapping[int, dict[int, None]], effects: dict[int, ImportEffect]) -> set[int]:
        """Assert labels with the import as their origin; return the contacts that gained one."""
        by_no = {label.no: label for label in self._plan.labels.values()}
        origin = Origin(kind="import", ref=str(self._import.id))
        pairs = {(label_no, contact_id) for contact_id, wanted in labels.items() for label_no in wanted}
        assignments = await load_assignments(self._work, pairs)
        gained: set[int] = set()
        for contact_id in sorted(labels):
            asserted = list(effects[contact_id].label_nos)
            for label_no in labels[contact_id]:
                outcome = assignments.apply(contact_id, by_no[label_no], AssertLabel(origin, self._work.now))
                if outcome == "assigned":
                    gained.add(contact_id)
                if outcome in ("assigned", "confirmed") and label_no not in asserted:
                    asserted.append(label_no)
            effects[contact_id] = effects[contact_id]._replace(label_nos=asserted)
        await record_assignments(self._work, assignments)
        return gained

    async def _tidy(
        self,
        claimed: Mapping[int, set[Key]],
        states: Mapping[int, Contact | None],
        before: Mapping[int, Contact | None],
        owners: Mapping[Key, int],
    ) -> None:
        """Delete directory entries that contacts no longer have, and release records that waited for new ones."""
        given_up: dict[Key, int] = {}
        names: list[str] = []
        for contact_id, keys in claimed.items():
            state = states[contact_id]
            kept = set(keys_of(state))
            if kept:
                given_up.update({key: contact_id for key in keys - kept if owners.get(key) == contact_id})
            if before[contact_id] is None and state is not None:
                names += [name.waited_for for name in names_of(self._account_id, contact_id, keys_of(state))]
        await delete_entries(self._work.connection, self._account_id, given_up)
        await self._work.release(names)


def _outcome(before: Contact | None, after: Contact | None, *, gained: bool) -> ImportOutcome:
    if before is None:
        return "created"
    return "updated" if after != before or gained else "unchanged"


def _merged(first: Mapping[str, list[Any]], second: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Return the members of two rows of one contact, with the values before the first and after the second."""
    merged = dict(first)
    for member, (before, after) in second.items():
        merged[member] = [first[member][0] if member in first else before, after]
    return merged
