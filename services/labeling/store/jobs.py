"""Long work, piece by piece: the piece, its events and the job's progress are one transaction."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy
from uuid_utils.compat import uuid7

from services.labeling.domain.assignments import RemoveLabel
from services.labeling.store import QUERIES
from services.labeling.store.assignments import keep_history, removed_event
from services.labeling.store.contacts import ContactBook
from services.labeling.store.labels import labels_of_ids
from shared.events.parts import Origin
from shared.store.database import Database
from shared.store.errors import is_passing
from shared.store.unit_of_work import UnitOfWork

# What the relay can publish at once without holding up what is more urgent (design, "Fairness").
PIECE = 2_000

Kind = Literal["label_deletion", "field_deletion"]


class Job(NamedTuple):
    """A job and how far it is: the partition number at work, and the last contact of it that is done."""

    id: UUID
    account_id: int
    kind: Kind
    subject: str
    state: Literal["waiting", "running", "done", "failed"]
    done: int
    total: int | None
    partition: int
    contact_id: int
    result: dict[str, Any] | None
    errors: list[Any]
    created_at: datetime
    changed_at: datetime


def job_from_row(row: Record) -> Job:
    """A row of `jobs`."""
    return Job(
        UUID(int=row["job_id"].int),
        row["account_id"],
        row["kind"],
        row["subject"],
        row["state"],
        row["done"],
        row["total"],
        row["partition"],
        row["contact_id"],
        None if row["result"] is None else orjson.loads(row["result"]),
        orjson.loads(row["errors"]),
        row["created_at"],
        row["changed_at"],
    )


async def add_job(connection: PoolConnectionProxy, account_id: int, kind: Kind, subject: str) -> Job:
    """Puts a job in line, in the transaction of whoever needs it done."""
    row = await connection.fetchrow(QUERIES["add_job"], uuid7(), account_id, kind, subject)
    assert row is not None
    return job_from_row(row)


class Piece(NamedTuple):
    """What one piece came to: how many things were done, and the last contact; None if the partition has no more."""

    done: int
    last: int | None


class JobFailed(Exception):  # it is raised with what the code failed on as its cause
    """The code failed on a piece of a job."""

    def __init__(self, job_id: UUID) -> None:
        super().__init__(str(job_id))
        self.job_id = job_id


async def work_on_jobs(database: Database) -> bool:
    """Does the next piece of the oldest open job; False if there is none, or others are at it.

    Raises JobFailed when the code failed, and what the database raises while it is away.
    """
    open_job = await database.pool.fetchrow(QUERIES["open_job"])
    if open_job is None:
        return False
    try:
        async with database.unit_of_work(open_job["partition"]) as work:
            row = await work.connection.fetchrow(QUERIES["take_job"], open_job["job_id"], open_job["partition"])
            if row is None:
                return False
            await _advance(work, job_from_row(row), database.partitions)
    except Exception as error:
        if is_passing(error):
            raise
        raise JobFailed(open_job["job_id"]) from error
    return True


async def fail_job(database: Database, failure: JobFailed) -> None:
    """Marks a job that cannot go on; what it did until then stays done."""
    errors = [{"code": "failed", "detail": type(failure.__cause__).__name__}]
    await database.pool.execute(QUERIES["fail_job"], failure.job_id, orjson.dumps(errors).decode())


async def _advance(work: UnitOfWork, job: Job, partitions: int) -> None:
    connection = work.connection
    total = job.total if job.total is not None else await COUNT[job.kind](connection, job)
    piece = await DO[job.kind](work, job, partitions)
    partition, contact_id = (job.partition, piece.last) if piece.last is not None else (job.partition + 1, 0)
    done = job.done + piece.done
    finished = partition == partitions
    if finished and job.kind == "field_deletion":
        await connection.execute(QUERIES["delete_field"], job.account_id, job.subject)
    await connection.execute(
        QUERIES["advance_job"],
        job.id,
        "done" if finished else "running",
        partition,
        contact_id,
        done,
        total if not finished else done,
        orjson.dumps({RESULT[job.kind]: done}).decode() if finished else None,
    )


async def _count_holders(connection: PoolConnectionProxy, job: Job) -> int:
    label = (await labels_of_ids(connection, [UUID(job.subject)]))[UUID(job.subject)]
    count: int = await connection.fetchval(QUERIES["count_holders"], label.no)
    return count


async def _delete_from_holders(work: UnitOfWork, job: Job, partitions: int) -> Piece:
    label = (await labels_of_ids(work.connection, [UUID(job.subject)]))[UUID(job.subject)]
    rows = await work.connection.fetch(
        QUERIES["delete_assignments_of_label"],
        job.account_id,
        label.no,
        partitions,
        job.partition,
        job.contact_id,
        PIECE,
    )
    command = RemoveLabel(Origin(kind="label_deleted", label_id=label.id), work.now)
    history = []
    holders = sorted(row["contact_id"] for row in rows if row["held"])
    for contact_id in holders:
        event = removed_event(contact_id, label, command)
        work.append(event)
        history.append((contact_id, label, command, event.event_id))
    await keep_history(work.connection, history)
    last = max((row["contact_id"] for row in rows), default=None) if len(rows) == PIECE else None
    return Piece(len(holders), last)


async def _count_values(connection: PoolConnectionProxy, job: Job) -> int:
    count: int = await connection.fetchval(QUERIES["count_field_values"], job.account_id, job.subject)
    return count


async def _delete_values(work: UnitOfWork, job: Job, partitions: int) -> Piece:
    rows = await work.connection.fetch(
        QUERIES["contacts_with_field"],
        job.account_id,
        job.subject,
        partitions,
        job.partition,
        job.contact_id,
        PIECE,
    )
    contacts = [row["contact_id"] for row in rows]
    book = await ContactBook.open(work, [(job.account_id, contact_id) for contact_id in contacts])
    for contact_id in contacts:
        book.forget_field((job.account_id, contact_id), job.subject)
    await book.write()
    return Piece(len(contacts), contacts[-1] if len(contacts) == PIECE else None)


COUNT: Mapping[Kind, Callable[[PoolConnectionProxy, Job], Awaitable[int]]] = {
    "label_deletion": _count_holders,
    "field_deletion": _count_values,
}
DO: Mapping[Kind, Callable[[UnitOfWork, Job, int], Awaitable[Piece]]] = {
    "label_deletion": _delete_from_holders,
    "field_deletion": _delete_values,
}
RESULT: Mapping[Kind, str] = {"label_deletion": "removed", "field_deletion": "cleared"}
