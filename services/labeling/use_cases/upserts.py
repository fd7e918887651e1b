"""Creates and changes contacts, many rows at once.

Ids and keys are settled first, in a separate transaction; then there is one unit of work per partition number.
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

MOST_IN_UNIT = 2_000  # rows
MOST_WRITES = 10_000  # contacts and labels in a unit

Handovers = Mapping[Key, tuple[int, int]]  # the contacts that release and take a key
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
    """The result: a contact id per row, None if the row was refused; `position` is that of the last event."""

    contact_ids: list[int | None]
    created: int = 0
    updated: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    position: int | None = None


@dataclass(frozen=True, slots=True)
class _Placed:
    index: int
    row: UpsertRow
    keys: tuple[Key, ...]
    contact_id: int


# A contact with an address: rows are validated against it before ids are allocated.
_ANY_CONTACT = Contact(email="", email_key="")


async def upsert_contacts(
    database: Database,
    account_id: int,
    rows: Sequence[UpsertRow],
    origin: Origin,
    suppression: SuppressionKeys | None = None,
) -> Upserted:
    """Write the valid rows; the others are in `problems`. Contacts with a suppressed address are blocked."""
    result = Upserted([None] * len(rows))
    async with database.pool.acquire() as connection:
        definitions = (await fields_of_accounts(connection, [account_id]))[account_id]
    keys: dict[int, tuple[Key, ...]] = {}
    async for index, row in yielding(enumerate(rows)):
        try:
            keys[index] = _claimed_keys(row, changed(_ANY_CONTACT, row.patch, definitions))
        except InvalidError as error:
            result.problems.append(RowProblem(index, "invalid", error.pointer, error.detail))
    placed, handovers = await _place(database, account_id, rows, keys, result)
    for group in _groups(database, account_id, placed, handovers):
        await _write_group(database, account_id, group, origin, result, handovers, suppression)
    result.problems.sort(key=lambda problem: problem.index)
    return result


def _claimed_keys(row: UpsertRow, contact: Contact) -> tuple[Key, ...]:
    return tuple(key for key in keys_of(contact) if ("email" if key[0] == "email" else "external_id") in row.patch)


async def _place(
    database: Database,
    account_id: int,
    rows: Sequence[UpsertRow],
    keys: Mapping[int, tuple[Key, ...]],
    result: Upserted,
) -> tuple[list[_Placed], Handovers]:
    claims = [KeyClaim(rows[index].mode, claimed, rows[index].contact_id) for index, claimed in keys.items()]
    # An update that names no key needs no directory.
    settled: Sequence[int | KeyConflict] = [claim.contact_id for claim in claims if claim.contact_id is not None]
    handovers: Handovers = {}
    if any(claim.keys or claim.contact_id is None for claim in claims):
        settled, _, _, handovers = await settle_contacts(database, account_id, claims)
    placed = []
    async for (index, claimed), who in yielding(zip(keys.items(), settled, strict=True)):
        if isinstance(who, KeyConflict):
            result.problems.append(_taken(index, who.key))
        else:
            placed.append(_Placed(index, rows[index], claimed, who))
    return placed, handovers


def _taken(index: int, key: Key) -> RowProblem:
    if key[0] == "email":
        return RowProblem(index, "conflict", "/email", "another contact has this e-mail address")
    return RowProblem(index, "conflict", "/external_id", "another contact has this external id")


def _groups(
    database: Database, account_id: int, placed: Iterable[_Placed], handovers: Handovers
) -> Iterator[list[_Placed]]:
    """Distribute rows over units of work. Partition numbers between which a key moves form a unit of their own."""
    group_of = list(range(database.partitions))
    for giver, taker in handovers.values():
        one, other = (group_of[partition_of(account_id, who, database.partitions)] for who in (giver, taker))
        group_of = [one if group == other else group for group in group_of]
    groups: dict[int, list[_Placed]] = defaultdict(list)
    for row in placed:
        groups[group_of[partition_of(account_id, row.contact_id, database.partitions)]].append(row)
    handing = {group_of[partition_of(account_id, giver, database.partitions)] for giver, _ in handovers.values()}
    yield from (groups[group] for group in sorted(handing & groups.keys()))
    for unit in units_of({number: rows for number, rows in groups.items() if number not in handing}, MOST_IN_UNIT):
        yield from _pieces(unit)


def _pieces(unit: Sequence[_Placed]) -> Iterator[list[_Placed]]:
    """Cut a unit whose rows have many labels into smaller ones, in the order of the rows."""
    piece: list[_Placed] = []
    writes = 0
    for one in unit:
        weight = 1 + len(one.row.labels)
        if piece and writes + weight > MOST_WRITES:
            yield piece
            piece, writes = [], 0
        piece.append(one)
        writes += weight
    yield piece


async def _write_group(
    database: Database,
    account_id: int,
    placed: Sequence[_Placed],
    origin: Origin,
    result: Upserted,
    handovers: Handovers,
    suppression: SuppressionKeys | None,
) -> None:
    partitions = {partition_of(account_id, one.contact_id, database.partitions) for one in placed}
    try:
        async with database.unit_of_work(*sorted(partitions)) as work:
            part = await _write(work, account_id, placed, origin, handovers, suppression)
    except _NotHandedOver:
        async with database.unit_of_work(*sorted(partitions)) as work:
            part = await _write(work, account_id, placed, origin, {}, suppression)
    # Only after the commit, because a failed unit has written nothing.
    for one in part.written:
        result.contact_ids[one.index] = one.contact_id
    result.created += len(part.created)
    result.updated += len(part.written) - len(part.created)
    result.problems += part.problems
    result.position = max(result.position or 0, work.position or 0) or None


class _NotHandedOver(Exception):
    """A contact did not release a key that another row took: the row that should have released it was refused."""


@dataclass(slots=True)
class _Part:
    written: list[_Placed] = field(default_factory=list)
    created: set[int] = field(default_factory=set)
    problems: list[RowProblem] = field(default_factory=list)


async def _write(
    work: UnitOfWork,
    account_id: int,
    placed: Sequence[_Placed],
    origin: Origin,
    handovers: Handovers,
    suppression: SuppressionKeys | None,
) -> _Part:
    contact_ids = {one.contact_id for one in placed}
    contacts = await load_contacts(work, {(account_id, contact_id) for contact_id in contact_ids})
    claimed = {contact_id: set(keys_of(contacts.find((account_id, contact_id)))) for contact_id in contact_ids}
    for one in placed:
        claimed[one.contact_id].update(one.keys)
    owners = await lock_entries(work.connection, account_id, (key for keys in claimed.values() for key in keys))
    # A key that moves counts as its taker's; that it was released is checked below.
    handed = {key: pair for key, pair in handovers.items() if owners.get(key) == pair[0] and pair[0] in contact_ids}
    owners.update({key: taker for key, (_, taker) in handed.items()})
    part = _Part()
    async for one in yielding(placed):
        problem = _apply(work, contacts, account_id, one, owners, part, origin)
        if problem is None:
            part.written.append(one)
        else:
            part.problems.append(problem)
    if origin.kind != SELF:
        await block_suppressed(work, suppression, contacts)
    await record_contacts(work, contacts)
    await _assign(work, part.written, origin)
    after = {contact_id: keys_of(contacts.find((account_id, contact_id))) for contact_id in contact_ids}
    await _hand_over(work, account_id, handed, after, owners)
    await delete_entries(work.connection, account_id, _given_up(claimed, after, owners))
    names = [name for contact_id in part.created for name in names_of(account_id, contact_id, after[contact_id])]
    await work.release([name.waited_for for name in names])
    return part


async def _hand_over(
    work: UnitOfWork,
    account_id: int,
    handed: Handovers,
    after: Mapping[int, Collection[Key]],
    owners: dict[Key, int],
) -> None:
    taken: dict[Key, int] = {}
    for key, (giver, taker) in handed.items():
        if key not in after.get(taker, ()):
            owners[key] = giver
        elif key in after[giver]:
            raise _NotHandedOver
        else:
            taken[key] = taker
    await move_entries(work.connection, account_id, taken)


async def _assign(work: UnitOfWork, written: Sequence[_Placed], origin: Origin) -> None:
    wanted = [(one.contact_id, label.id) for one in written for label in one.row.labels]
    # Read again under the lock: a label deleted meanwhile is assigned to nobody, another stands for a merged one.
    labels = await labels_of_ids(work.connection, {label_id for _, label_id in wanted})
    assignments = await load_assignments(work, {(labels[label_id].no, contact_id) for contact_id, label_id in wanted})
    async for contact_id, label_id in yielding(wanted):
        if labels[label_id].state != "deleted":
            assignments.apply(contact_id, labels[label_id], AssertLabel(origin, work.now))
    await record_assignments(work, assignments)


def _apply(
    work: UnitOfWork,
    contacts: Changes,
    account_id: int,
    one: _Placed,
    owners: Mapping[Key, int],
    part: _Part,
    origin: Origin,
) -> RowProblem | None:
    key = (account_id, one.contact_id)
    before = contacts.find(key)
    if before is None and one.row.mode == "update":
        return RowProblem(one.index, "not_found", "", "there is no such contact")
    lost = next((claimed for claimed in one.keys if owners.get(claimed) != one.contact_id), None)
    if lost is not None:
        return _taken(one.index, lost)
    if before is not None and one.row.mode == "create":
        return _taken(one.index, one.keys[-1])
    wanted = one.row.patch.get("external_id")
    if one.row.mode == "upsert" and before is not None and wanted and before.external_id not in (None, wanted.strip()):
        detail = "the contact with this e-mail address has another external id"
        return RowProblem(one.index, "conflict", "/external_id", detail)
    try:
        contacts.change(key, one.row.patch, work.now, origin)
    except InvalidError as error:
        return RowProblem(one.index, "invalid", error.pointer, error.detail)
    if before is None:
        part.created.add(one.contact_id)
    return None


def _given_up(
    claimed: Mapping[int, Collection[Key]], after: Mapping[int, Collection[Key]], owners: Mapping[Key, int]
) -> dict[Key, int]:
    return {
        key: contact_id
        for contact_id, keys in claimed.items()
        for key in keys
        if key not in after[contact_id] and after[contact_id] and owners.get(key) == contact_id
    }
