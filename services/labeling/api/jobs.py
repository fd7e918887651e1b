"""Long work."""

from typing import Annotated
from uuid import UUID

from services.labeling.api.models import JobAnswer
from services.labeling.api.service import Service
from services.labeling.store import QUERIES
from services.labeling.store.jobs import job_from_row
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.problems import Problem
from shared.http.routing import Router

router = Router(prefix="/v1/jobs", tags=["jobs"])


@router.get("", summary="List jobs")
async def list_jobs(
    service: Service, caller: Annotated[Caller, requires("read")], page: Annotated[PageRequest, page_request()]
) -> Page[JobAnswer]:
    """The account's jobs, newest first."""
    (before,) = page.key(UUID) or (None,)
    rows = await service.database.pool.fetch(QUERIES["jobs_of_account"], caller.account_id, before, page.fetch)
    return Page[JobAnswer].of([job_from_row(row) for row in rows], page, key=lambda job: [job.id], item=JobAnswer.of)


@router.get("/{job_id}", summary="Show a job")
async def show_job(service: Service, caller: Annotated[Caller, requires("read")], job_id: UUID) -> JobAnswer:
    """How far a job is."""
    row = await service.database.pool.fetchrow(QUERIES["job_of_id"], caller.account_id, job_id)
    if row is None:
        raise Problem(404, "There is no such job.")
    return JobAnswer.of(job_from_row(row))
