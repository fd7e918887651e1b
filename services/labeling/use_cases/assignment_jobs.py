"""Assigns a label to, or removes it from, all holders of a label, members of a segment, or contacts of an import."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy
from pyroaring import BitMap

from services.labeling.domain.assignments import AssertLabel, Assignment, Command, RemoveLabel, TakeBack, decide
from services.labeling.domain.errors import InvalidError, NotFoundError, StateError
from services.labeling.domain.labels import Label
from services.labeling.store.assignment_jobs import (
    AssignmentJob,
    add_effects,
    effects_of,
    find_assignment_job,
    insert_assignment_job,
)
from services.labeling.store.assignments import assignments_of_pairs
from services.labeling.store.contacts import contacts_of
from services.labeling.store.labels import labels_of_ids
from services.labeling.use_cases.assignment_changes import load_assignments, record_assignments
from services.labeling.use_cases.exports import ContactSet, count_source, ids_of_source
from services.labeling.use_cases.import_run import BUCKETS, partitions_of
from shared.events.parts import Origin
from shared.events.topics import partition_of
from shared.jobs.job import Job, JobFailed
from shared.jobs.lease import Lease
from shared.jobs.store import enqueue, find_job
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BATCH_SIZE = 2_000  # contacts that a step reads; it changes only those of one bucket


async def create_assignment_job(
    database: Database, account_id: int, key_id: UUID, of: Mapping[str, Any], label_id: UUID, *, held: bool
) -> Job:
    """Queue a job that assigns (`held`) or removes a label. Raises InvalidError for an unknown source or label."""
    async with database.transaction() as connection:
        await _label(connection, account_id, label_id)
        total = await count_source(connection, account_id, ContactSet.of(of)) * BUCKETS
        job = await enqueue(
            connection, account_id, "assignment", str(label_id), {"key_id": str(key_id), "undo": None}, total
        )
        await insert_assignment_job(connection, job.id, account_id, of, label_id, held=held)
    return job


async def undo_assignment_job(database: Database, account_id: int, job_id: UUID) -> Job:
    """Queue a job that undoes another one. Raises NotFoundError, and StateError while that job is queued or running."""
    async with database.transaction() as connection:
        job = await find_job(connection, account_id, job_id)
        request = await find_assignment_job(connection, account_id, job_id)
        if job is None or request is None or job.specification.get("undo"):
            raise NotFoundError("assignment job")
        if job.state in ("queued", "running"):
            raise StateError(f"The job is {job.state}; cancel it first, or wait for its end.")
        total = len(await effects_of(connection, job_id)) * BUCKETS
        specification = {**job.specification, "undo": str(job_id)}
        return await enqueue(connection, account_id, "assignment", str(request.label_id), specification, total)


async def preview_assignments(
    database: Database, account_id: int, of: Mapping[str, Any], label_id: UUID, *, held: bool
) -> dict[str, int]:
    """Return how many contacts would get or lose the label, and how many would not change."""
    counts: Counter[str] = Counter(changed=0, unchanged=0, refused=0)
    source, after = ContactSet.of(of), 0
    async with database.pool.acquire() as connection:
        label = await _label(connection, account_id, label_id)
        await count_source(connection, account_id, source)
        while ids := await ids_of_source(connection, account_id, source, after, BATCH_SIZE):
            stored = await assignments_of_pairs(connection, [(label.no, contact_id) for contact_id in ids])
            for contact_id in ids:
                state = stored.get((label.no, contact_id), Assignment())
                counts[_effect(decide(state, _command(Origin(kind="manual"), state, held=held)), held=held)] += 1
            after = ids[-1]
    return dict(counts)


def _command(origin: Origin, state: Assignment, *, held: bool) -> Command:
    at = state.since or _EPOCH
    return AssertLabel(origin, at) if held else RemoveLabel(origin, at)


def _effect(outcome: str | None, *, held: bool) -> str:
    if outcome == "refused":
        return "refused"
    return "changed" if outcome == ("assigned" if held else "removed") else "unchanged"


async def _label(connection: PoolConnectionProxy, account_id: int, label_id: UUID) -> Label:
    label = (await labels_of_ids(connection, [label_id])).get(label_id)
    if label is None or label.account_id != account_id or label.state == "deleted":
        raise InvalidError("there is no such label", "/label_id")
    return label


class AssignmentRun:
    """Reads all contacts once for each bucket of partition numbers, and changes those of the bucket.

    A person requested the job, so the origin is `manual` with the job as its reference; undoing withdraws this support.
    """

    kind = "assignment"

    async def step(self, lease: Lease) -> None:
        """Change the next contacts of a bucket, or finish."""
        job = lease.job
        bucket, after = job.cursor.get("bucket", 0), job.cursor.get("contact_id", 0)
        undone_id = job.specification.get("undo")
        async with lease.advance(*partitions_of(bucket, lease.database.partitions)) as advance:
            connection = advance.work.connection
            original_id = job.id if undone_id is None else UUID(undone_id)
            request = await find_assignment_job(connection, job.account_id, original_id)
            if request is None:
                raise JobFailed("The assignment job no longer exists.")
            ids = await self._next_ids(connection, job, request, original_id, after)
            partitions = lease.database.partitions
            in_bucket = [
                contact_id
                for contact_id in ids
                if partition_of(job.account_id, contact_id, partitions) % BUCKETS == bucket
            ]
            changed = await _change(advance.work, job, request, original_id, in_bucket)
            if undone_id is None:
                await add_effects(connection, job.id, job.step, changed)
            advance.done += len(ids)
            advance.cursor["changed"] = advance.cursor.get("changed", 0) + len(changed)
            is_bucket_finished = len(ids) < BATCH_SIZE
            next_bucket = bucket + is_bucket_finished
            advance.cursor.update(bucket=next_bucket, contact_id=0 if is_bucket_finished else ids[-1])
            if next_bucket == BUCKETS:
                advance.total = advance.done
                advance.finish(changed=advance.cursor["changed"])

    async def stopped(self, work: UnitOfWork, job: Job) -> None:
        """Do nothing: the changes stay, and can be undone."""

    async def _next_ids(
        self, connection: PoolConnectionProxy, job: Job, request: AssignmentJob, original_id: UUID, after: int
    ) -> list[int]:
        if job.specification.get("undo") is None:
            try:
                return await ids_of_source(connection, job.account_id, ContactSet.of(request.of), after, BATCH_SIZE)
            except InvalidError as error:
                raise JobFailed(f"The source was deleted: {error.detail}.") from None
        effects = await effects_of(connection, original_id)
        first = effects.rank(after)
        return list(effects[first : first + BATCH_SIZE])


async def _change(
    work: UnitOfWork, job: Job, request: AssignmentJob, original_id: UUID, contact_ids: Sequence[int]
) -> BitMap:
    """Assign or remove the label, or undo that, for the contacts that exist; return those that gained or lost it."""
    label = (await labels_of_ids(work.connection, [request.label_id])).get(request.label_id)
    if label is None or label.state == "deleted":
        raise JobFailed("The label was deleted.")
    keys = {(job.account_id, contact_id) for contact_id in contact_ids}
    existing = {contact_id for _, contact_id in await contacts_of(work.connection, keys)}
    changes = await load_assignments(work, {(label.no, contact_id) for contact_id in existing})
    origin = Origin(kind="manual", ref=f"assignment job {original_id}", key_id=UUID(job.specification["key_id"]))
    undo = Origin(kind="undo", ref=str(original_id))
    changed = BitMap()
    for contact_id in sorted(existing):
        command: Command
        if job.specification.get("undo") is None:
            command = AssertLabel(origin, work.now) if request.held else RemoveLabel(origin, work.now)
        elif request.held:
            command = TakeBack(origin, undo, work.now)
        else:
            command = AssertLabel(undo, work.now)
        if changes.apply(contact_id, label, command) in ("assigned", "removed"):
            changed.add(contact_id)
    await record_assignments(work, changes)
    return changed
