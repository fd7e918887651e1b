"""Many rows that create or change contacts: ids and keys settled first, then one unit of work per partition number."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from services.labeling.domain.assignments import AssertLabel
from services.labeling.domain.contacts import Contact, changed
from services.labeling.domain.directory import Claim, Conflict, Key, Mode
from services.labeling.domain.names import names_of
from services.labeling.domain.problems import InvalidError
from services.labeling.store.assignments import Ledger
from services.labeling.store.contacts import ContactBook
from services.labeling.store.directory import keys_of, leave_behind, lock_entries, settle_contacts
from services.labeling.store.fields import fields_of_accounts
from services.labeling.store.labels import Label, labels_of_ids
from shared.events.parts import Origin
from shared.events.topics import partition_of
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork

AT_A_TIME = 100  # rows

Code = Literal["invalid", "conflict", "not_found", "unknown_label"]


@dataclass(frozen=True, slots=True)
class Row:
    """What is said about one contact: a merge patch, and labels to add. `contact_id` is given for an update only."""

    mode: Mode
    patch: Mapping[str, Any]
    labels: tuple[Label, ...] = ()
    contact_id: int | None = None


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row was refused. `pointer` leads from the row to what is wrong."""

    index: int
    code: Code
    pointer: str
    detail: str


@dataclass(slots=True)
class Upserted:
    """What came of the rows. `contact_ids` has one per row, None where it was refused; `position` of the last event."""

    contact_ids: list[int | None]
    created: int = 0
    updated: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    position: int | None = None


@dataclass(frozen=True, slots=True)
class _Placed:
    index: int
    row: Row
    keys: tuple[Key, ...]
    contact_id: int


# Any contact with an address: rows are checked against it before ids are given out.
_SOMEBODY = Contact(email="", email_key="")


async def write_contacts(database: Database, account_id: int, rows: Sequence[Row], origin: Origin) -> Upserted:
    """Writes what can be written of `rows`; the others are in `problems`."""
    result = Upserted([None] * len(rows))
    async with database.pool.acquire() as connection:
        definitions = (await fields_of_accounts(connection, [account_id]))[account_id]
    keys: dict[int, tuple[Key, ...]] = {}
    for index, row in enumerate(rows):
        if index % AT_A_TIME == 0:
            # Checking 10,000 addresses takes most of a second: others want to get on meanwhile.
            await asyncio.sleep(0)
        try:
            keys[index] = _keys_wanted(row, changed(_SOMEBODY, row.patch, definitions))
        except InvalidError as problem:
            result.problems.append(RowProblem(index, "invalid", problem.pointer, problem.detail))
    for placed in _by_partition(database, account_id, await _place(database, account_id, rows, keys, result)):
        await _write_partition(database, account_id, placed, origin, result)
    result.problems.sort(key=lambda problem: problem.index)
    return result


def _keys_wanted(row: Row, contact: Contact) -> tuple[Key, ...]:
    return tuple(key for key in keys_of(contact) if ("email" if key[0] == "email" else "external_id") in row.patch)


async def _place(
    database: Database, account_id: int, rows: Sequence[Row], keys: Mapping[int, tuple[Key, ...]], result: Upserted
) -> list[_Placed]:
    claims = [Claim(rows[index].mode, claimed, rows[index].contact_id) for index, claimed in keys.items()]
    # An update that names no key needs no directory.
    settled: Sequence[int | Conflict] = (
        await settle_contacts(database, account_id, claims)
        if any(claim.keys or claim.contact_id is None for claim in claims)
        else [claim.contact_id for claim in claims if claim.contact_id is not None]
    )
    placed = []
    for (index, claimed), who in zip(keys.items(), settled, strict=True):
        if isinstance(who, Conflict):
            result.problems.append(_taken(index, who.key))
        else:
            placed.append(_Placed(index, rows[index], claimed, who))
    return placed


def _taken(index: int, key: Key) -> RowProblem:
    if key[0] == "email":
        return RowProblem(index, "conflict", "/email", "another contact has this e-mail address")
    return RowProblem(index, "conflict", "/external_id", "another contact has this external id")


def _by_partition(database: Database, account_id: int, placed: Iterable[_Placed]) -> Iterable[list[_Placed]]:
    groups: dict[int, list[_Placed]] = defaultdict(list)
    for one in placed:
        groups[partition_of(account_id, one.contact_id, database.partitions)].append(one)
    return (groups[partition] for partition in sorted(groups))


async def _write_partition(
    database: Database, account_id: int, placed: Sequence[_Placed], origin: Origin, result: Upserted
) -> None:
    partition = partition_of(account_id, placed[0].contact_id, database.partitions)
    async with database.unit_of_work(partition) as work:
        part = await _write(work, account_id, placed, origin)
    # Only now: a unit that failed has written nothing.
    for one, contact_id in part.written:
        result.contact_ids[one.index] = contact_id
    result.created += part.created
    result.updated += len(part.written) - part.created
    result.problems += part.problems
    result.position = max(result.position or 0, work.position or 0) or None


@dataclass(slots=True)
class _Part:
    written: list[tuple[_Placed, int]] = field(default_factory=list)
    created: int = 0
    problems: list[RowProblem] = field(default_factory=list)


async def _write(work: UnitOfWork, account_id: int, placed: Sequence[_Placed], origin: Origin) -> _Part:
    contact_ids = {one.contact_id for one in placed}
    book = await ContactBook.open(work, {(account_id, contact_id) for contact_id in contact_ids})
    before = {contact_id: keys_of(book.find((account_id, contact_id))) for contact_id in contact_ids}
    named: dict[int, set[Key]] = {contact_id: set(keys) for contact_id, keys in before.items()}
    for one in placed:
        named[one.contact_id].update(one.keys)
    owners = await lock_entries(work.connection, account_id, (key for keys in named.values() for key in keys))
    ledger = await Ledger.open(work, {(label.no, one.contact_id) for one in placed for label in one.row.labels})
    # Looked at again under the lock: what was deleted meanwhile is not given to anybody any more.
    labels = await labels_of_ids(work.connection, {label.id for one in placed for label in one.row.labels})
    part, new = _Part(), set[int]()
    for one in placed:
        problem = _write_row(book, account_id, one, owners, new)
        if problem is not None:
            part.problems.append(problem)
            continue
        part.written.append((one, one.contact_id))
        for label in (labels[label.id] for label in one.row.labels if labels[label.id].state != "deleted"):
            ledger.apply(one.contact_id, label, AssertLabel(origin, work.now))
    part.created = len(new)
    await book.write()
    await ledger.write()
    after = {contact_id: keys_of(book.find((account_id, contact_id))) for contact_id in contact_ids}
    await leave_behind(work.connection, account_id, _left_behind(named, after, owners))
    await work.release(
        [name.waited_for for contact_id in new for name in names_of(account_id, contact_id, after[contact_id])]
    )
    return part


def _write_row(
    book: ContactBook, account_id: int, one: _Placed, owners: Mapping[Key, int], new: set[int]
) -> RowProblem | None:
    key = (account_id, one.contact_id)
    before = book.find(key)
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
        book.change(key, one.row.patch)
    except InvalidError as problem:
        return RowProblem(one.index, "invalid", problem.pointer, problem.detail)
    if before is None:
        new.add(one.contact_id)
    return None


def _left_behind(
    named: Mapping[int, Collection[Key]], after: Mapping[int, Collection[Key]], owners: Mapping[Key, int]
) -> list[tuple[Key, int]]:
    return [
        (key, contact_id)
        for contact_id, keys in named.items()
        for key in keys
        if key not in after[contact_id] and after[contact_id] and owners.get(key) == contact_id
    ]
