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
        self._counted_before: set[int] = set()  # contacts that an earlier unit of work counted

    async def apply(self, rows: Sequence[DealtRow]) -> tuple[Mapping[str, int], list[RowError]]:
        """Apply rows; return the number of rows or contacts by outcome, and the errors of refused rows."""
        parsed: list[tuple[DealtRow, ParsedRow]] = []
        async for row in yielding(rows):
            parsed_row = self._plan.reader.read(row.cells)
            if parsed_row.problems:
                self._refuse(row, parsed_row.problems[0].code, parsed_row.problems[0].detail)
            else:
                parsed.append((row, parsed_row))
        ids = {row.contact_id for row, _ in parsed}
        contacts = await load_contacts(self._work, {(self._account_id, contact_id) for contact_id in ids})
        before = {contact_id: contacts.find((self._account_id, contact_id)) for contact_id in ids}
        claimed = {contact_id: set(keys_of(contact)) for contact_id, contact in before.items()}
        for row, parsed_row in parsed:
            claimed[row.contact_id].update(parsed_row.keys)
        owners = await lock_entries(
            self._work.connection, self._account_id, (key for keys in claimed.values() for key in keys)
        )
        effects = await import_rows.effects_of(self._work.connection, self._import.id, ids)
        states: dict[int, Contact | None] = dict(before)
        labels: dict[int, dict[int, None]] = {}  # numbers of labels by contact, in the order of the rows
        touched: set[int] = set()
        for row, parsed_row in parsed:
            if self._merge(row, parsed_row, states, owners, effects, touched):
                labels_of_contact = labels.setdefault(row.contact_id, {})
                labels_of_contact.update(
                    (self._plan.labels[label_id].no, None)
                    for label_id in parsed_row.label_ids
                    if label_id in self._plan.labels
                )
        self._put_changed(contacts, before, states)
        await block_suppressed(self._work, self._suppression, contacts)
        await record_contacts(self._work, contacts)
        gained = await self._assign(labels, effects)
        outcomes = {
            contact_id: _outcome(before[contact_id], states[contact_id], gained=contact_id in gained)
            for contact_id in touched
        }
        self._counts.update(outcomes[contact_id] for contact_id in touched - self._counted_before)
        await self._update_directory(claimed, states, before, owners)
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
        parsed: ParsedRow,
        states: dict[int, Contact | None],
        owners: Mapping[Key, int],
        effects: dict[int, ImportEffect],
        touched: set[int],
    ) -> bool:
        """Merge a row into the state and the effect of its contact; return False if the row is refused or skipped."""
        state, effect = states[row.contact_id], effects.get(row.contact_id)
        if any(owners.get(key) != row.contact_id for key in parsed.keys):
            return self._refuse(row, "conflict", "another contact has this address or external id")
        if state is not None and effect is None and self._plan.options.mode == "create":
            self._counts["skipped"] += 1
            return False
        if state is None and parsed.email is None:
            return self._refuse(row, "no_email", "a new contact needs an e-mail address")
        problem = None if state is None else conflict_of(parsed, state)
        if problem is not None:
            return self._refuse(row, problem.code, problem.detail)
        after, members = applied(state, parsed, self._plan.options)
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
                self._counted_before.add(row.contact_id)
        touched.add(row.contact_id)
        return True

    def _refuse(self, row: DealtRow, code: str, detail: str) -> bool:
        self._errors.append(RowError(row.number, 100, None, code, detail))
        self._counts["errors"] += 1
        return False

    def _put_changed(
        self, contacts: Changes, before: Mapping[int, Contact | None], states: Mapping[int, Contact | None]
    ) -> None:
        origin = Origin(kind="import", ref=str(self._import.id))
        for contact_id in sorted(states):
            state = states[contact_id]
            if state is not None and state != before[contact_id]:
                # The legal basis for sending messages to the contact; a contact that is not sent any needs none.
                basis = self._plan.options.basis if state.subscription in ("subscribed", "unconfirmed") else None
                contacts.put((self._account_id, contact_id), state, self._work.now, origin, wording=basis)

    async def _assign(self, labels: Mapping[int, dict[int, None]], effects: dict[int, ImportEffect]) -> set[int]:
        """Assert labels (numbers by contact) with the import as their origin; return the contacts that gained one."""
        by_no = {label.no: label for label in self._plan.labels.values()}
        origin = Origin(kind="import", ref=str(self._import.id))
        pairs = {(label_no, contact_id) for contact_id, label_nos in labels.items() for label_no in label_nos}
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

    async def _update_directory(
        self,
        claimed: Mapping[int, set[Key]],
        states: Mapping[int, Contact | None],
        before: Mapping[int, Contact | None],
        owners: Mapping[Key, int],
    ) -> None:
        """Delete directory entries that contacts no longer have, and release records that waited for new ones."""
        released: dict[Key, int] = {}
        waited_for: list[str] = []
        for contact_id, keys in claimed.items():
            state = states[contact_id]
            kept = set(keys_of(state))
            if kept:
                released.update({key: contact_id for key in keys - kept if owners.get(key) == contact_id})
            if before[contact_id] is None and state is not None:
                waited_for += [name.waited_for for name in names_of(self._account_id, contact_id, keys_of(state))]
        await delete_entries(self._work.connection, self._account_id, released)
        await self._work.release(waited_for)


def _outcome(before: Contact | None, after: Contact | None, *, gained: bool) -> ImportOutcome:
    if before is None:
        return "created"
    return "updated" if after != before or gained else "unchanged"


def _merged(first: Mapping[str, list[Any]], second: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Merge the changes of two rows to a contact: values by member, before the first row and after the second."""
    merged = dict(first)
    for member, (before, after) in second.items():
        merged[member] = [first[member][0] if member in first else before, after]
    return merged
