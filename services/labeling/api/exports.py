"""Exports: contacts as a file."""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, model_validator

from services.labeling.api.routing import Router
from services.labeling.api.service import Service, require_segment
from services.labeling.domain.exports import MEDIA_TYPES
from services.labeling.store.exports import Export, exports_of_account
from services.labeling.store.files import file_of_id, stream_file
from services.labeling.use_cases import exports
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.problems import Problem
from shared.jobs.job import Job
from shared.jobs.routes import Progress
from shared.jobs.store import find_job

router = Router(prefix="/v1/exports", tags=["exports"])
FILES: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}, "example": "email,interesselabels\r\nanna@example.com,Dogs\r\n"},
    MEDIA_TYPES["xlsx"]: {
        "schema": {"type": "string", "format": "binary"},
        "example": "A workbook with the same columns and rows.",
    },
    MEDIA_TYPES["ndjson"]: {
        "schema": {
            "type": "object",
            "description": "A line of the file, with one contact.",
            "additionalProperties": True,
        },
        "example": {"email": "anna@example.com", "interesselabels": "Dogs,Puppies"},
    },
}
FormatName = Literal["csv", "csv_excel", "xlsx", "ndjson"]


class SourceBody(RequestBody):
    """A set of contacts: exactly one member."""

    label: Annotated[
        UUID | None, Field(description="Those that hold this label.", examples=["0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"])
    ] = None
    segment: Annotated[UUID | None, Field(description="The members of this segment.")] = None
    import_: Annotated[UUID | None, Field(alias="import", description="Those that this import touched.")] = None
    all: Annotated[Literal[True] | None, Field(description="All contacts of the account.")] = None

    @model_validator(mode="after")
    def names_one(self) -> "SourceBody":
        """Require exactly one member."""
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("name exactly one of label, segment, import and all")
        return self

    def chosen(self) -> dict[str, Any]:
        """Return the member by its name in the API, as JSON values."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class ExportBody(RequestBody):
    """The contacts to export, the format and the columns."""

    of: Annotated[SourceBody, Field(description="The contacts to export.")]
    format: Annotated[
        FormatName, Field(description="`csv_excel` has semicolons, decimal commas and a byte order mark.")
    ] = "csv"
    columns: Annotated[
        list[Annotated[str, Field(max_length=100)]] | None,
        Field(
            min_length=1,
            max_length=200,
            description="`contact_id`, `external_id`, `email`, `subscription`, `language`, `interesselabels`, "
            "fields by key, `clicks:<label id>`, `last_click:<label id>`. "
            "By default: external id, address, subscription, language, all fields and the labels.",
        ),
    ] = None


class ExportAnswer(BaseModel):
    """An export."""

    id: Annotated[UUID, Field(description="The id of the export.")]
    of: Annotated[
        dict[str, Any],
        Field(description="Which contacts.", examples=[{"label": "0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"}]),
    ]
    format: Annotated[FormatName, Field(description="The format of the file.")]
    columns: Annotated[
        list[str], Field(description="The columns of the file.", examples=[["external_id", "email", "interesselabels"]])
    ]
    state: Annotated[
        Literal["queued", "running", "done", "failed", "cancelled"],
        Field(description="The progress of the export.", examples=["done"]),
    ]
    progress: Annotated[Progress | None, Field(description="Contacts written; null in lists.")]
    rows: Annotated[int, Field(description="Contacts in the file.", examples=[946])]
    size: Annotated[int, Field(description="The size of the file in bytes.", examples=[52310])]
    file: Annotated[
        str | None,
        Field(
            description="The URL of the file; null unless it exists.",
            examples=["/v1/exports/0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a/file"],
        ),
    ]
    failure: Annotated[str | None, Field(description="Why the export failed.", examples=[None])]
    created_at: Annotated[datetime, Field(description="When the export was requested.")]
    finished_at: Annotated[datetime | None, Field(description="When the export ended. The file is kept for 7 days.")]

    @classmethod
    def of_export(cls, export: Export, job: Job | None) -> "ExportAnswer":
        """Return the answer for an export and its job."""
        has_file = export.state == "done" and export.file_id is not None
        return cls(
            id=export.id,
            of=export.of,
            format=export.format,
            columns=export.columns,
            state=export.state,
            progress=None if job is None else Progress.of(job),
            rows=export.rows,
            size=export.size,
            file=f"/v1/exports/{export.id}/file" if has_file else None,
            failure=export.failure,
            created_at=export.created_at,
            finished_at=export.finished_at,
        )


@router.post("", status_code=202, summary="Export contacts")
async def create_export(
    service: Service, caller: Annotated[Caller, requires("read")], body: ExportBody, response: Response
) -> ExportAnswer:
    """Write contacts into a file, in the background. The file can be imported again without loss."""
    await require_segment(service, caller.account_id, body.of.segment)
    export = await exports.create_export(
        service.database, caller.account_id, body.of.chosen(), body.format, body.columns
    )
    response.headers["Location"] = f"/v1/exports/{export.id}"
    return await _answer(service, export)


async def _answer(service: Service, export: Export) -> ExportAnswer:
    job = await find_job(service.database.pool, export.account_id, export.job_id)
    return ExportAnswer.of_export(export, job)


async def _find(service: Service, caller: Caller, export_id: UUID) -> Export:
    async with service.database.pool.acquire() as connection:
        return await exports.find_export(connection, caller.account_id, export_id)


@router.get("", summary="List exports")
async def list_exports(
    service: Service, caller: Annotated[Caller, requires("read")], page: Annotated[PageRequest, page_request()]
) -> Page[ExportAnswer]:
    """List the account's exports, newest first."""
    (before,) = page.key(UUID) or (None,)
    listed = await exports_of_account(service.database.pool, caller.account_id, before, page.fetch)
    return Page[ExportAnswer].of(
        listed, page, key=lambda export: [export.id], item=lambda export: ExportAnswer.of_export(export, None)
    )


@router.get("/{export_id}", summary="Show an export")
async def show_export(service: Service, caller: Annotated[Caller, requires("read")], export_id: UUID) -> ExportAnswer:
    """Show an export and its progress."""
    return await _answer(service, await _find(service, caller, export_id))


@router.get(
    "/{export_id}/file",
    summary="Download the file of an export",
    response_class=StreamingResponse,
    responses={200: {"content": FILES}},
)
async def show_file(
    service: Service, caller: Annotated[Caller, requires("read")], export_id: UUID
) -> StreamingResponse:
    """Return the file. 409 while it is being written and after it was deleted."""
    export = await _find(service, caller, export_id)
    file = await file_of_id(service.database.pool, caller.account_id, exports.file_of(export))
    if file is None:
        raise Problem(409, "The file was deleted.")
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.filename)}",
        "Content-Length": str(file.size),
    }
    return StreamingResponse(stream_file(service.database.pool, file.id), media_type=file.media_type, headers=headers)


@router.delete("/{export_id}", status_code=204, summary="Delete an export", response_class=Response)
async def delete_export(service: Service, caller: Annotated[Caller, requires("read")], export_id: UUID) -> None:
    """Delete an export with its file; a running export is cancelled."""
    await exports.delete_export(service.database, caller.account_id, export_id)
