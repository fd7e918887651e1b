"""Endpoints of jobs: list them, show one, cancel one."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy
from fastapi import Query, Request
from pydantic import BaseModel, Field

from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.problems import Problem
from shared.http.routing import Router
from shared.jobs.job import Job, JobProblem
from shared.jobs.store import find_job, list_jobs, problems_of, request_cancel
from shared.store.database import Database

MOST_PROBLEMS = 100  # shown with a job
StateName = Literal["queued", "running", "done", "failed", "cancelled"]


class Progress(BaseModel):
    """The progress of a job."""

    done: Annotated[
        int, Field(description="Completed rows, contacts, or other items that the job counts.", examples=[400])
    ]
    total: Annotated[int | None, Field(description="Null until it has been counted.", examples=[946])]
    seconds_left: Annotated[
        int | None, Field(description="Estimated from the average pace so far; null while unknown.", examples=[3])
    ]

    @classmethod
    def of(cls, job: Job) -> "Progress":
        """Return the progress of a job."""
        return cls(done=job.done, total=job.total, seconds_left=job.seconds_left(datetime.now(UTC)))


class ProblemAnswer(BaseModel):
    """A fault of one row of the job."""

    number: Annotated[int | None, Field(description="The number of the row, if rows have numbers.", examples=[17])]
    pointer: Annotated[str, Field(description="JSON pointer into the row.")]
    code: Annotated[str, Field(description="For programs.", examples=["invalid"])]
    detail: Annotated[str, Field(description="For people.", examples=["is not an e-mail address"])]

    @classmethod
    def of(cls, problem: JobProblem) -> "ProblemAnswer":
        """Return the answer for a problem."""
        return cls(number=problem.number, pointer=problem.pointer, code=problem.code, detail=problem.detail)


class JobAnswer(BaseModel):
    """Work on many rows in the background: its kind, its progress and its result."""

    id: Annotated[UUID, Field(description="The id of the job.")]
    kind: Annotated[
        str, Field(description="What kind of work it is, such as `label_deletion`. Open.", examples=["label_deletion"])
    ]
    subject: Annotated[
        str,
        Field(
            description="The subject of the job, such as a label's id or a field's key.",
            examples=["0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"],
        ),
    ]
    state: Annotated[
        StateName, Field(description="`queued` and `running` are open, the others are final.", examples=["running"])
    ]
    progress: Annotated[Progress, Field(description="The progress of the job.")]
    result: Annotated[
        dict[str, Any] | None,
        Field(description="The result, depending on the kind; null until the job is done.", examples=[None]),
    ]
    failure: Annotated[str | None, Field(description="Why the job failed; null unless it did.", examples=[None])]
    error_count: Annotated[int, Field(description="Number of rows with a problem.", examples=[0])]
    errors: Annotated[list[ProblemAnswer], Field(description="The first 100 problems; empty in lists.", examples=[[]])]
    created_at: Annotated[datetime, Field(description="When the job was created.")]
    started_at: Annotated[datetime | None, Field(description="When the first step began.")]
    changed_at: Annotated[datetime, Field(description="When the last step ended.")]
    finished_at: Annotated[datetime | None, Field(description="When the job ended.")]

    @classmethod
    def of(cls, job: Job, problems: list[JobProblem] | None = None) -> "JobAnswer":
        """Return the answer for a job."""
        return cls(
            id=job.id,
            kind=job.kind,
            subject=job.subject,
            state=job.state,
            progress=Progress.of(job),
            result=None if job.result is None else dict(job.result),
            failure=job.failure,
            error_count=job.errors,
            errors=[ProblemAnswer.of(problem) for problem in problems or ()],
            created_at=job.created_at,
            started_at=job.started_at,
            changed_at=job.changed_at,
            finished_at=job.finished_at,
        )


def jobs_router(prefix: str, hidden: frozenset[str] = frozenset()) -> Router:
    """Return the routes of a service's jobs below `prefix`, such as `/v1/jobs`.

    Jobs of the kinds in `hidden` cannot be cancelled here.
    """
    router = Router(prefix=prefix, tags=["jobs"])
    router.add_api_route("", _list_jobs, summary="List jobs", methods=["GET"])
    router.add_api_route("/{job_id}", _show_job, summary="Show a job", methods=["GET"])
    router.add_api_route(
        "/{job_id}/cancel", _cancel_job(hidden), summary="Cancel a job", methods=["POST"], status_code=202
    )
    return router


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def _list_jobs(
    request: Request,
    caller: Annotated[Caller, requires("read")],
    page: Annotated[PageRequest, page_request()],
    state: Annotated[StateName | None, Query(description="Only jobs in this state.")] = None,
    kind: Annotated[str | None, Query(max_length=100, description="Only jobs of this kind.")] = None,
) -> Page[JobAnswer]:
    """List the account's jobs, newest first."""
    (before,) = page.key(UUID) or (None,)
    jobs = await list_jobs(
        _database(request).pool, caller.account_id, before=before, state=state, kind=kind, limit=page.fetch
    )
    return Page[JobAnswer].of(jobs, page, key=lambda job: [job.id], item=JobAnswer.of)


async def _show_job(request: Request, caller: Annotated[Caller, requires("read")], job_id: UUID) -> JobAnswer:
    """Show the progress of a job, its result, and its first problems."""
    async with _database(request).pool.acquire() as connection:
        return await _answer(connection, caller.account_id, job_id)


def _cancel_job(hidden: frozenset[str]) -> Callable[..., Any]:
    async def cancel_job(request: Request, caller: Annotated[Caller, requires("write")], job_id: UUID) -> JobAnswer:
        """Stop a job before its next step. Completed steps are not undone. 409 if it has ended."""
        async with _database(request).pool.acquire() as connection:
            job = await find_job(connection, caller.account_id, job_id)
            if job is not None and job.kind in hidden:
                raise Problem(409, f"A job of the kind {job.kind} cannot be cancelled at this endpoint.")
            if job is not None and await request_cancel(connection, caller.account_id, job_id) is None:
                raise Problem(409, f"The job has ended: it is {job.state}.")
            return await _answer(connection, caller.account_id, job_id)

    return cancel_job


async def _answer(connection: PoolConnectionProxy, account_id: int, job_id: UUID) -> JobAnswer:
    job = await find_job(connection, account_id, job_id)
    if job is None:
        raise Problem(404, "There is no such job.")
    return JobAnswer.of(job, await problems_of(connection, job_id, MOST_PROBLEMS))
