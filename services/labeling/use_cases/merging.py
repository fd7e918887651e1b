"""Merges a label into another one: at once for references to it, and by a job for its holders."""

from typing import NamedTuple
from uuid import UUID

from services.labeling.domain.errors import NotFoundError, StateError
from services.labeling.domain.labels import Label, LabelPatch, patched, with_merged
from services.labeling.store import labels
from services.labeling.store.assignments import contacts_of_label, count_assignments, delete_pairs
from services.labeling.use_cases.assignment_changes import load_assignments, record_assignments
from services.labeling.use_cases.deletions import DeletionCursor, PieceResult, move_cursor
from services.labeling.use_cases.labels import append_label, find_label
from shared.events.topics import CATALOG_PARTITION
from shared.jobs.job import Job
from shared.jobs.lease import Lease
from shared.jobs.store import enqueue
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork

PIECE = 1_000  # contacts; each may have two events


class StartedMerge(NamedTuple):
    """The job of a merge, and the position of its last event."""

    job: Job
    position: int | None


async def merge_label(database: Database, account_id: int, label_id: UUID, into_id: UUID) -> StartedMerge:
    """Start to merge a label into another one of the account.

    From now on, references to the label mean the other one. An interrupted merge can be started again, and then
    continues. Raises NotFoundError, StateError.
    """
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        source = await find_label(work.connection, account_id, label_id)
        into = await find_label(work.connection, account_id, into_id)
        if source.id == into.id:
            raise StateError("A label cannot be merged into itself.")
        if into.merged_into is not None:
            raise StateError("The other label was itself merged into another label.")
        if source.merged_into not in (None, into.id) or source.state == "merged":
            raise StateError("The label was already merged into another one.")
        if source.merged_into is None:
            await _begin(work, source, into)
        job = await enqueue(work.connection, account_id, LabelMerge.kind, str(source.id), {"into": str(into.id)})
    return StartedMerge(job, work.position)


async def _begin(work: UnitOfWork, source: Label, into: Label) -> None:
    await labels.set_merged_into(work.connection, source.no, into.no)
    merging = patched(source, LabelPatch(state="merging"))._replace(merged_into=into.id)
    await labels.update_label(work.connection, merging, work.now)
    append_label(work, merging)
    after = with_merged(into, source)
    await labels.update_label(work.connection, after, work.now)
    append_label(work, after)


class LabelMerge:
    """Moves the assignments of a label to another one, with events for contacts that gain or lose a label."""

    kind = "label_merge"

    async def step(self, lease: Lease) -> None:
        """Move the assignments of the next contacts of a partition number; after the last one, end the merge."""
        job, partitions, cursor = lease.job, lease.database.partitions, DeletionCursor.of(lease.job)
        partition = cursor.partition if cursor.partition < partitions else CATALOG_PARTITION
        async with lease.advance(partition) as advance:
            work = advance.work
            source = await _find(work, job.account_id, UUID(job.subject))
            if partition == CATALOG_PARTITION:
                await _end(work, source)
                advance.total = advance.done
                advance.finish(merged=advance.done)
                return
            into = await _find(work, job.account_id, UUID(job.specification["into"]))
            if advance.total is None:
                advance.total = await count_assignments(work.connection, source.no)
            move_cursor(advance, cursor, await _merge(work, source, into, cursor, partitions), partitions)

    async def stopped(self, work: UnitOfWork, job: Job) -> None:
        """Do nothing: references to the label still mean the other one, and the merge can be started again."""


async def _find(work: UnitOfWork, account_id: int, label_id: UUID) -> Label:
    label = await labels.label_of_id(work.connection, account_id, label_id)
    if label is None:
        raise NotFoundError("label")
    return label


async def _merge(work: UnitOfWork, source: Label, into: Label, cursor: DeletionCursor, partitions: int) -> PieceResult:
    contact_ids = await contacts_of_label(
        work.connection,
        source.account_id,
        source.no,
        partitions=partitions,
        partition=cursor.partition,
        after=cursor.contact_id,
        limit=PIECE,
    )
    pairs = {(label.no, contact_id) for contact_id in contact_ids for label in (source, into)}
    changes = await load_assignments(work, pairs)
    for contact_id in contact_ids:
        changes.merge(contact_id, source, into, work.now)
    await record_assignments(work, changes)
    await delete_pairs(work.connection, source.no, contact_ids)
    return PieceResult(len(contact_ids), contact_ids[-1] if len(contact_ids) == PIECE else None)


async def _end(work: UnitOfWork, source: Label) -> None:
    after = patched(source, LabelPatch(state="merged"))._replace(merged_into=source.merged_into)
    await labels.update_label(work.connection, after, work.now)
    append_label(work, after)
