"""Jobs: long work in the background."""

from typing import Annotated
from uuid import UUID

from services.labeling.api.models import JobAnswer
from services.labeling.api.routing import Router
from services.labeling.api.service import Service
from services.labeling.domain.errors import NotFoundError
from services.labeling.store.jobs import job_of_id, jobs_of_account
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request

router = Router(prefix="/v1/jobs", tags=["jobs"])


@router.get("", summary="List jobs")
async def list_jobs(
    service: Service, caller: Annotated[Caller, requires("read")], page: Annotated[PageRequest, page_request()]
) -> Page[JobAnswer]:
    """The account's jobs, newest first."""
    (before,) = page.key(UUID) or (None,)
    jobs = await jobs_of_account(service.database.pool, caller.account_id, before, page.fetch)
    return Page[JobAnswer].of(jobs, page, key=lambda job: [job.id], item=JobAnswer.of)


@router.get("/{job_id}", summary="Show a job")
async def show_job(service: Service, caller: Annotated[Caller, requires("read")], job_id: UUID) -> JobAnswer:
    """Show a job and its progress."""
    job = await job_of_id(service.database.pool, caller.account_id, job_id)
    if job is None:
        raise NotFoundError("job")
    return JobAnswer.of(job)
