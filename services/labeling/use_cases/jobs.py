"""Run jobs piece by piece: a piece, its events and the job's progress are one unit of work."""

from uuid import UUID

from services.labeling.store import jobs
from services.labeling.store.fields import delete_field
from services.labeling.store.jobs import Job
from services.labeling.use_cases.deletions import COUNT, DO
from shared.store.database import Database
from shared.store.errors import is_passing
from shared.store.unit_of_work import UnitOfWork

RESULT = {"label_deletion": "removed", "field_deletion": "cleared"}


class JobFailed(Exception):
    """A piece of a job failed; `__cause__` is the error."""

    def __init__(self, job_id: UUID) -> None:
        super().__init__(str(job_id))
        self.job_id = job_id


async def work_on_jobs(database: Database) -> bool:
    """Do the next piece of the oldest open job; return False if there is none, or another worker has it.

    Raises JobFailed if the piece failed, and the database's errors while it is unavailable.
    """
    open_job = await jobs.next_job(database.pool)
    if open_job is None:
        return False
    job_id, partition = open_job
    try:
        async with database.unit_of_work(partition) as work:
            job = await jobs.take_job(work.connection, job_id, partition)
            if job is None:
                return False
            await _advance(work, job, database.partitions)
    except Exception as error:
        if is_passing(error):
            raise
        raise JobFailed(job_id) from error
    return True


async def fail_job(database: Database, failure: JobFailed) -> None:
    """Mark a job as failed; what it has done stays."""
    await jobs.fail_job(database.pool, failure.job_id, "failed", type(failure.__cause__).__name__)


async def _advance(work: UnitOfWork, job: Job, partitions: int) -> None:
    total = job.total if job.total is not None else await COUNT[job.kind](work.connection, job)
    piece = await DO[job.kind](work, job, partitions)
    partition, contact_id = (job.partition, piece.last) if piece.last is not None else (job.partition + 1, 0)
    done = job.done + piece.done
    finished = partition == partitions
    if finished and job.kind == "field_deletion":
        await delete_field(work.connection, job.account_id, job.subject)
    after = job._replace(
        state="done" if finished else "running",
        partition=partition,
        contact_id=contact_id,
        done=done,
        total=done if finished else total,
        result={RESULT[job.kind]: done} if finished else None,
    )
    await jobs.update_job(work.connection, after)
