"""Assigns or removes a label for many contacts at once."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field, model_validator

from services.labeling.api.routing import Router
from services.labeling.api.service import Service, require_segment
from services.labeling.use_cases.assignment_jobs import (
    create_assignment_job,
    preview_assignments,
    undo_assignment_job,
)
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.jobs.routes import JobAnswer

router = Router(prefix="/v1/assignment-jobs", tags=["assignments"])


class AssignedBody(RequestBody):
    """A set of contacts: exactly one member."""

    label: Annotated[
        UUID | None, Field(description="Those that hold this label.", examples=["0190c2a4-8f20-7d4e-8b66-2a3b4c5d6e7f"])
    ] = None
    segment: Annotated[UUID | None, Field(description="The members of this segment.")] = None
    import_: Annotated[UUID | None, Field(alias="import", description="Those that this import touched.")] = None

    @model_validator(mode="after")
    def names_one(self) -> "AssignedBody":
        """Require exactly one member."""
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("specify exactly one of label, segment and import")
        return self

    def chosen(self) -> dict[str, Any]:
        """Return the member by its name in the API, as JSON values."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class AssignmentJobBody(RequestBody):
    """A label to assign to, or remove from, a set of contacts."""

    of: Annotated[AssignedBody, Field(description="The contacts to assign it to or remove it from.")]
    label_id: Annotated[UUID, Field(description="The label to assign or remove.")]
    held: Annotated[bool, Field(description="True assigns the label, false removes it.", examples=[True])]
    dry_run: Annotated[bool, Field(description="Only return what it would do.")] = False


class AssignmentPreview(BaseModel):
    """What the job would do."""

    changed: Annotated[int, Field(description="Contacts that would get or lose the label.", examples=[830])]
    unchanged: Annotated[int, Field(description="Contacts that would not change.", examples=[112])]
    refused: Annotated[int, Field(description="Contacts that removed the label themselves.", examples=[4])]


@router.post(
    "",
    status_code=202,
    summary="Assign or remove a label for many contacts",
    response_model=JobAnswer | AssignmentPreview,
    responses={200: {"model": AssignmentPreview, "description": "What the job would do (`dry_run`)."}},
)
async def create_job(
    service: Service, caller: Annotated[Caller, requires("write")], body: AssignmentJobBody, response: Response
) -> BaseModel:
    """Assign or remove a label for all holders of a label, the members of a segment, or contacts of an import."""
    account_id, of = caller.account_id, body.of.chosen()
    await require_segment(service, account_id, body.of.segment)
    if body.dry_run:
        response.status_code = 200
        counts = await preview_assignments(service.database, account_id, of, body.label_id, held=body.held)
        return AssignmentPreview(**counts)
    job = await create_assignment_job(service.database, account_id, caller.key_id, of, body.label_id, held=body.held)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return JobAnswer.of(job)


@router.post("/{job_id}/undo", status_code=202, summary="Undo an assignment job")
async def undo_job(
    service: Service, caller: Annotated[Caller, requires("write")], job_id: UUID, response: Response
) -> JobAnswer:
    """Undo the changes of a job. 409 while it runs."""
    job = await undo_assignment_job(service.database, caller.account_id, job_id)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return JobAnswer.of(job)
