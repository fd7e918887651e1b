"""Creates and changes contacts, many rows at once.

First a separate transaction settles which row is about which contact and which keys it gets. Then the rows are written
in one or more units of work.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from services.labeling.domain.assignments import AssertLabel
from services.labeling.domain.contacts import SELF, Contact, changed, keys_of
from services.labeling.domain.directory import Key, KeyClaim, KeyConflict, Mode
from services.labeling.domain.errors import InvalidError
from services.labeling.domain.labels import Label
from services.labeling.domain.names import names_of
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.store.directory import delete_entries, lock_entries, move_entries, settle_contacts
from services.labeling.store.fields import fields_of_accounts
from services.labeling.store.labels import labels_of_ids
from services.labeling.use_cases.assignment_changes import load_assignments, record_assignments
from services.labeling.use_cases.contact_changes import Changes, load_contacts, record_contacts
from services.labeling.use_cases.suppressions import block_suppressed
from shared.bus.dealing import units_of
from shared.events.parts import Origin
from shared.events.topics import partition_of
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork
from shared.yielding import yielding

MOST_IN_UNIT = 2_000  # rows in a unit of work
MOST_WRITES = 10_000  # contacts and assignments in a unit of work

Handovers = Mapping[Key, tuple[int, int]]  # the ids of the contact that releases a key and of the one that takes it
Code = Literal["invalid", "conflict", "not_found", "unknown_label"]


@dataclass(frozen=True, slots=True)
class UpsertRow:
    """A merge patch for one contact, and labels to add. `contact_id` is given for an update only."""

    mode: Mode
    patch: Mapping[str, Any]
    labels: tuple[Label, ...] = ()
    contact_id: int | None = None


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row was refused. `pointer` is a JSON pointer into the row."""

    index: int
    code: Code
    pointer: str
    detail: str


@dataclass(slots=True)
class Upserted:
    """The result: the contact id of each row, None if it was refused; `position` is that of the last event."""

    contact_ids: list[int | None]
    created: int = 0
    updated: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    position: int | None = None


@dataclass(frozen=True, slots=True)
class _SettledRow:
    index: int
    upsert: UpsertRow
    keys: tuple[Key, ...]
    contact_id: int


# Patches are validated by applying them to this contact, before the contacts of the rows are known. It has an address,
# so that a patch without one is valid.
_ANY_CONTACT = Contact(email="", email_key="")


async def upsert_contacts(
    database: Database,
    account_id: int,
    rows: Sequence[UpsertRow],
    origin: Origin,
    suppression: SuppressionKeys | None = None,
) -> Upserted:
    """Create and change the contacts of the valid rows; report the other rows in `problems`.

    Contacts with a suppressed address are blocked if `suppression` has the keys of the hashes.
    """
    result = Upserted([None] * len(rows))
    async with database.pool.acquire() as connection:
        definitions = (await fields_of_accounts(connection, [account_id]))[account_id]
    keys: dict[int, tuple[Key, ...]] = {}
    async for index, row in yielding(enumerate(rows)):
        try:
            keys[index] = _claimed_keys(row, changed(_ANY_CONTACT, row.patch, definitions))
        except InvalidError as error:
            result.problems.append(RowProblem(index, "invalid", error.pointer, error.detail))
    settled, handovers = await _settle(database, account_id, rows, keys, result)
    for group in _groups(database, account_id, settled, handovers):
        await _write_group(database, account_id, group, origin, result, handovers, suppression)
    result.problems.sort(key=lambda problem: problem.index)
    return result


def _claimed_keys(row: UpsertRow, contact: Contact) -> tuple[Key, ...]:
    return tuple(key for key in keys_of(contact) if ("email" if key[0] == "email" else "external_id") in row.patch)


async def _settle(
    database: Database,
    account_id: int,
    rows: Sequence[UpsertRow],
    keys: Mapping[int, tuple[Key, ...]],
    result: Upserted,
) -> tuple[list[_SettledRow], Handovers]:
    """Find or allocate the contacts of rows; `keys` are the keys that the rows claim, by index."""
    claims = [KeyClaim(rows[index].mode, claimed, rows[index].contact_id) for index, claimed in keys.items()]
    # Without keys, and with all ids given, there is nothing to look up in the directory.
    contacts: Sequence[int | KeyConflict] = [claim.contact_id for claim in claims if claim.contact_id is not None]
    handovers: Handovers = {}
    if any(claim.keys or claim.contact_id is None for claim in claims):
        contacts, _, _, handovers = await settle_contacts(database, account_id, claims)
    settled = []
    async for (index, claimed), contact in yielding(zip(keys.items(), contacts, strict=True)):
        if isinstance(contact, KeyConflict):
            result.problems.append(_key_conflict(index, contact.key))
        else:
            settled.append(_SettledRow(index, rows[index], claimed, contact))
    return settled, handovers


def _key_conflict(index: int, key: Key) -> RowProblem:
    if key[0] == "email":
        return RowProblem(index, "conflict", "/email", "another contact has this e-mail address")
    return RowProblem(index, "conflict", "/external_id", "another contact has this external id")


def _groups(
    database: Database, account_id: int, rows: Iterable[_SettledRow], handovers: Handovers
) -> Iterator[list[_SettledRow]]:
    """Distribute rows over units of work. Partition numbers between which keys move are served by the same unit."""
    group_of = list(range(database.partitions))  # by partition number
    for contact_ids in handovers.values():
        old, new = (group_of[partition_of(account_id, contact_id, database.partitions)] for contact_id in contact_ids)
        group_of = [old if group == new else group for group in group_of]
    groups: dict[int, list[_SettledRow]] = defaultdict(list)
    for row in rows:
        groups[group_of[partition_of(account_id, row.contact_id, database.partitions)]].append(row)
    with_handovers = {group_of[partition_of(account_id, old, database.partitions)] for old, _ in handovers.values()}
    yield from (groups[number] for number in sorted(with_handovers & groups.keys()))
    without_handovers = {number: group for number, group in groups.items() if number not in with_handovers}
    for unit in units_of(without_handovers, MOST_IN_UNIT):
        yield from _chunks(unit)


def _chunks(unit: Sequence[_SettledRow]) -> Iterator[list[_SettledRow]]:
    """Split a unit of work whose rows have many labels into smaller ones, in the order of the rows."""
    chunk: list[_SettledRow] = []
    writes = 0
    for row in unit:
        writes_of_row = 1 + len(row.upsert.labels)
        if chunk and writes + writes_of_row > MOST_WRITES:
            yield chunk
            chunk, writes = [], 0
        chunk.append(row)
        writes += writes_of_row
    yield chunk


async def _write_group(
    database: Database,
    account_id: int,
    rows: Sequence[_SettledRow],
    origin: Origin,
    result: Upserted,
    handovers: Handovers,
    suppression: SuppressionKeys | None,
) -> None:
    partitions = {partition_of(account_id, row.contact_id, database.partitions) for row in rows}
    try:
        async with database.unit_of_work(*sorted(partitions)) as work:
            result_of_group = await _write(work, account_id, rows, origin, handovers, suppression)
    except _KeyNotReleased:
        async with database.unit_of_work(*sorted(partitions)) as work:
            result_of_group = await _write(work, account_id, rows, origin, {}, suppression)
    # Only after the commit, because a unit of work that failed has written nothing.
    for row in result_of_group.written:
        result.contact_ids[row.index] = row.contact_id
    result.created += len(result_of_group.created)
    result.updated += len(result_of_group.written) - len(result_of_group.created)
    result.problems += result_of_group.problems
    result.position = max(result.position or 0, work.position or 0) or None


class _KeyNotReleased(Exception):
    """A row took a key that its old contact still has, because the row that should have released it was refused."""


@dataclass(slots=True)
class _GroupResult:
    written: list[_SettledRow] = field(default_factory=list)
    created: set[int] = field(default_factory=set)
    problems: list[RowProblem] = field(default_factory=list)


async def _write(
    work: UnitOfWork,
    account_id: int,
    rows: Sequence[_SettledRow],
    origin: Origin,
    handovers: Handovers,
    suppression: SuppressionKeys | None,
) -> _GroupResult:
    contact_ids = {row.contact_id for row in rows}
    contacts = await load_contacts(work, {(account_id, contact_id) for contact_id in contact_ids})
    claimed = {contact_id: set(keys_of(contacts.find((account_id, contact_id)))) for contact_id in contact_ids}
    for row in rows:
        claimed[row.contact_id].update(row.keys)
    owners = await lock_entries(work.connection, account_id, (key for keys in claimed.values() for key in keys))
    # A key that moves already belongs to its new contact here; `_hand_over` checks that the old one has released it.
    moving = {key: pair for key, pair in handovers.items() if owners.get(key) == pair[0] and pair[0] in contact_ids}
    owners.update({key: new for key, (_, new) in moving.items()})
    result = _GroupResult()
    async for row in yielding(rows):
        problem = _apply(work, contacts, account_id, row, owners, result, origin)
        if problem is None:
            result.written.append(row)
        else:
            result.problems.append(problem)
    if origin.kind != SELF:
        await block_suppressed(work, suppression, contacts)
    await record_contacts(work, contacts)
    await _assign(work, result.written, origin)
    after = {contact_id: keys_of(contacts.find((account_id, contact_id))) for contact_id in contact_ids}
    await _hand_over(work, account_id, moving, after, owners)
    await delete_entries(work.connection, account_id, _released(claimed, after, owners))
    names = [name for contact_id in result.created for name in names_of(account_id, contact_id, after[contact_id])]
    await work.release([name.waited_for for name in names])
    return result


async def _hand_over(
    work: UnitOfWork,
    account_id: int,
    moving: Handovers,
    after: Mapping[int, Collection[Key]],
    owners: dict[Key, int],
) -> None:
    """Move directory entries to the contacts that took the keys. `after` has the keys of contacts after the changes."""
    taken: dict[Key, int] = {}
    for key, (old, new) in moving.items():
        if key not in after.get(new, ()):
            owners[key] = old
        elif key in after[old]:
            raise _KeyNotReleased
        else:
            taken[key] = new
    await move_entries(work.connection, account_id, taken)


async def _assign(work: UnitOfWork, written: Sequence[_SettledRow], origin: Origin) -> None:
    pairs = [(row.contact_id, label.id) for row in written for label in row.upsert.labels]
    # Read again under the lock, because a label may have been deleted, or merged into another one, meanwhile.
    labels = await labels_of_ids(work.connection, {label_id for _, label_id in pairs})
    assignments = await load_assignments(work, {(labels[label_id].no, contact_id) for contact_id, label_id in pairs})
    async for contact_id, label_id in yielding(pairs):
        if labels[label_id].state != "deleted":
            assignments.apply(contact_id, labels[label_id], AssertLabel(origin, work.now))
    await record_assignments(work, assignments)


def _apply(
    work: UnitOfWork,
    contacts: Changes,
    account_id: int,
    row: _SettledRow,
    owners: Mapping[Key, int],
    result: _GroupResult,
    origin: Origin,
) -> RowProblem | None:
    key = (account_id, row.contact_id)
    before = contacts.find(key)
    if before is None and row.upsert.mode == "update":
        return RowProblem(row.index, "not_found", "", "there is no such contact")
    taken = next((claimed for claimed in row.keys if owners.get(claimed) != row.contact_id), None)
    if taken is not None:
        return _key_conflict(row.index, taken)
    if before is not None and row.upsert.mode == "create":
        return _key_conflict(row.index, row.keys[-1])
    external_id = row.upsert.patch.get("external_id")
    if (
        row.upsert.mode == "upsert"
        and before is not None
        and external_id
        and before.external_id not in (None, external_id.strip())
    ):
        detail = "the contact with this e-mail address has another external id"
        return RowProblem(row.index, "conflict", "/external_id", detail)
    try:
        contacts.change(key, row.upsert.patch, work.now, origin)
    except InvalidError as error:
        return RowProblem(row.index, "invalid", error.pointer, error.detail)
    if before is None:
        result.created.add(row.contact_id)
    return None


def _released(
    claimed: Mapping[int, Collection[Key]], after: Mapping[int, Collection[Key]], owners: Mapping[Key, int]
) -> dict[Key, int]:
    return {
        key: contact_id
        for contact_id, keys in claimed.items()
        for key in keys
        if key not in after[contact_id] and after[contact_id] and owners.get(key) == contact_id
    }
