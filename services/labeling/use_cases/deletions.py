"""Jobs that remove a deleted label from its holders, and a deleted field's values from contacts."""

from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.labels import Label
from services.labeling.store.assignments import count_holders, delete_assignments_of_label
from services.labeling.store.contacts import contacts_with_field, count_field_values
from services.labeling.store.fields import delete_field
from services.labeling.store.history import NewHistoryEntry, encode_origin, insert_history
from services.labeling.store.labels import label_of_id
from services.labeling.use_cases.contact_changes import load_contacts, record_contacts
from shared.events.labeling import LabelRemoved
from shared.events.parts import Origin
from shared.jobs.job import Job
from shared.jobs.lease import Advance, Lease
from shared.store.unit_of_work import UnitOfWork

# Contacts in a piece: as many events as the relay can publish at once without delaying more urgent ones.
PIECE = 2_000


class DeletionCursor(NamedTuple):
    """The progress of a job: the current partition number, and the last processed contact in it."""

    partition: int
    contact_id: int

    @classmethod
    def of(cls, job: Job) -> "DeletionCursor":
        """Return the cursor of a job; before the first step, the start of partition number 0."""
        return cls(job.cursor.get("partition", 0), job.cursor.get("contact_id", 0))


class PieceResult(NamedTuple):
    """The number of contacts that a piece changed, and the last one; None if the partition number is finished."""

    done: int
    last: int | None


def move_cursor(advance: Advance, cursor: DeletionCursor, piece: PieceResult, partitions: int) -> bool:
    """Count a piece, and move the job's cursor past it. Return True after the last partition number."""
    after = (
        DeletionCursor(cursor.partition, piece.last)
        if piece.last is not None
        else DeletionCursor(cursor.partition + 1, 0)
    )
    advance.cursor.update(after._asdict())
    advance.done += piece.done
    return after.partition == partitions


class LabelDeletion:
    """Removes a deleted label from all contacts that hold it, with an event for each."""

    kind = "label_deletion"

    async def step(self, lease: Lease) -> None:
        """Remove the label from the next holders of a partition number."""
        job, partitions, cursor = lease.job, lease.database.partitions, DeletionCursor.of(lease.job)
        async with lease.advance(cursor.partition) as advance:
            label = await _label(advance.work.connection, job)
            if advance.total is None:
                advance.total = await count_holders(advance.work.connection, label.no)
            piece = await _remove_from_holders(advance.work, label, cursor, partitions)
            if move_cursor(advance, cursor, piece, partitions):
                advance.total = advance.done
                advance.finish(removed=advance.done)

    async def stopped(self, work: UnitOfWork, job: Job) -> None:
        """Do nothing: the label stays deleted, even if contacts still hold it."""


class FieldDeletion:
    """Removes the values of a deleted field; its key is free afterwards."""

    kind = "field_deletion"

    async def step(self, lease: Lease) -> None:
        """Remove the values of the next contacts of a partition number."""
        job, partitions, cursor = lease.job, lease.database.partitions, DeletionCursor.of(lease.job)
        async with lease.advance(cursor.partition) as advance:
            connection = advance.work.connection
            if advance.total is None:
                advance.total = await count_field_values(connection, job.account_id, job.subject)
            piece = await _remove_values(advance.work, job, cursor, partitions)
            if move_cursor(advance, cursor, piece, partitions):
                await delete_field(connection, job.account_id, job.subject)
                advance.total = advance.done
                advance.finish(cleared=advance.done)

    async def stopped(self, work: UnitOfWork, job: Job) -> None:
        """Do nothing: the field stays deleted, even if contacts still have a value of it."""


async def _label(connection: PoolConnectionProxy, job: Job) -> Label:
    label = await label_of_id(connection, job.account_id, UUID(job.subject))
    assert label is not None
    return label


async def _remove_from_holders(work: UnitOfWork, label: Label, cursor: DeletionCursor, partitions: int) -> PieceResult:
    deleted = await delete_assignments_of_label(
        work.connection,
        label.account_id,
        label.no,
        partitions=partitions,
        partition=cursor.partition,
        after=cursor.contact_id,
        limit=PIECE,
    )
    holders = [contact_id for contact_id, held in deleted if held]
    origin = Origin(kind="label_deleted", label_id=label.id)
    await insert_history(work.connection, [_append_removal(work, label, contact_id, origin) for contact_id in holders])
    return PieceResult(len(holders), deleted[-1][0] if len(deleted) == PIECE else None)


def _append_removal(work: UnitOfWork, label: Label, contact_id: int, origin: Origin) -> NewHistoryEntry:
    event = LabelRemoved(
        occurred_at=work.now,
        account_id=label.account_id,
        contact_id=contact_id,
        label_id=label.id,
        label_name=label.name,
        origin=origin,
    )
    work.append(event)
    return NewHistoryEntry(
        contact_id, label.no, work.now, "removed", None, None, event.event_id, origin=encode_origin(origin)
    )


async def _remove_values(work: UnitOfWork, job: Job, cursor: DeletionCursor, partitions: int) -> PieceResult:
    contacts = await contacts_with_field(
        work.connection,
        job.account_id,
        job.subject,
        partitions=partitions,
        partition=cursor.partition,
        after=cursor.contact_id,
        limit=PIECE,
    )
    changes = await load_contacts(work, [(job.account_id, contact_id) for contact_id in contacts])
    for contact_id in contacts:
        changes.forget_field((job.account_id, contact_id), job.subject, work.now)
    await record_contacts(work, changes)
    return PieceResult(len(contacts), contacts[-1] if len(contacts) == PIECE else None)
