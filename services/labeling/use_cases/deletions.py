"""The pieces of deletions: remove a label from its holders, and a field's values from contacts."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.labels import Label
from services.labeling.store.assignments import count_holders, delete_assignments_of_label
from services.labeling.store.contacts import contacts_with_field, count_field_values
from services.labeling.store.history import Entry, encode_origin, insert_history
from services.labeling.store.jobs import Job, Kind
from services.labeling.store.labels import labels_of_ids
from services.labeling.use_cases.contact_changes import load_contacts, record_contacts
from shared.events.labeling import LabelRemoved
from shared.events.parts import Origin
from shared.store.unit_of_work import UnitOfWork

# The number of events that the relay can publish at once without delaying what is more urgent.
PIECE = 2_000


class Piece(NamedTuple):
    """How many contacts a piece changed, and the last one; None if the partition number is finished."""

    done: int
    last: int | None


async def _label(connection: PoolConnectionProxy, job: Job) -> Label:
    label_id = UUID(job.subject)
    return (await labels_of_ids(connection, [label_id]))[label_id]


async def _count_holders(connection: PoolConnectionProxy, job: Job) -> int:
    return await count_holders(connection, (await _label(connection, job)).no)


async def _remove_from_holders(work: UnitOfWork, job: Job, partitions: int) -> Piece:
    label = await _label(work.connection, job)
    deleted = await delete_assignments_of_label(
        work.connection,
        job.account_id,
        label.no,
        partitions=partitions,
        partition=job.partition,
        after=job.contact_id,
        limit=PIECE,
    )
    holders = [contact_id for contact_id, held in deleted if held]
    origin = Origin(kind="label_deleted", label_id=label.id)
    await insert_history(work.connection, [_remove(work, label, contact_id, origin) for contact_id in holders])
    return Piece(len(holders), deleted[-1][0] if len(deleted) == PIECE else None)


def _remove(work: UnitOfWork, label: Label, contact_id: int, origin: Origin) -> Entry:
    event = LabelRemoved(
        occurred_at=work.now,
        account_id=label.account_id,
        contact_id=contact_id,
        label_id=label.id,
        label_name=label.name,
        origin=origin,
    )
    work.append(event)
    return Entry(contact_id, label.no, work.now, "removed", None, None, event.event_id, origin=encode_origin(origin))


async def _count_values(connection: PoolConnectionProxy, job: Job) -> int:
    return await count_field_values(connection, job.account_id, job.subject)


async def _remove_values(work: UnitOfWork, job: Job, partitions: int) -> Piece:
    contacts = await contacts_with_field(
        work.connection,
        job.account_id,
        job.subject,
        partitions=partitions,
        partition=job.partition,
        after=job.contact_id,
        limit=PIECE,
    )
    changes = await load_contacts(work, [(job.account_id, contact_id) for contact_id in contacts])
    for contact_id in contacts:
        changes.forget_field((job.account_id, contact_id), job.subject, work.now)
    await record_contacts(work, changes)
    return Piece(len(contacts), contacts[-1] if len(contacts) == PIECE else None)


COUNT: Mapping[Kind, Callable[[PoolConnectionProxy, Job], Awaitable[int]]] = {
    "label_deletion": _count_holders,
    "field_deletion": _count_values,
}
DO: Mapping[Kind, Callable[[UnitOfWork, Job, int], Awaitable[Piece]]] = {
    "label_deletion": _remove_from_holders,
    "field_deletion": _remove_values,
}
