"""Imports: upload a file, map its columns, check it, run it, undo it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.labeling.api.import_models import (
    CheckBody,
    ImportAnswer,
    ImportErrorAnswer,
    ImportRowAnswer,
    StateName,
    UndoPreview,
)
from services.labeling.api.routing import Router
from services.labeling.api.service import Service
from services.labeling.api.uploads import UPLOAD_BODY, filename_of, uploaded_content
from services.labeling.domain.errors import NotFoundError
from services.labeling.domain.imports.summary import RowList
from services.labeling.store.import_rows import errors_after, listed_rows
from services.labeling.store.imports import Import, imports_of_account
from services.labeling.use_cases import imports
from services.labeling.use_cases.import_errors import error_file
from services.labeling.use_cases.uploads import upload
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.routing import streams_body
from shared.jobs.job import Job
from shared.jobs.store import find_job

ERROR_FILE = "E-mail;Interesselabels;import_error\r\nanna;Dogs;E-mail: is not an e-mail address\r\n"
router = Router(prefix="/v1/imports", tags=["imports"])

Filename = Annotated[str | None, Query(max_length=200, description="The name of the file, for people.")]
EraseCreated = Annotated[
    bool, Query(description="Also erase contacts that the import created and that have done nothing since.")
]


async def _answer(service: Service, an_import: Import) -> ImportAnswer:
    job: Job | None = None
    if an_import.job_id is not None:
        job = await find_job(service.database.pool, an_import.account_id, an_import.job_id)
    return ImportAnswer.of(an_import, job)


@router.post("", status_code=201, summary="Upload a file of contacts", openapi_extra=UPLOAD_BODY)
@streams_body
async def upload_file(
    service: Service,
    caller: Annotated[Caller, requires("write")],
    request: Request,
    response: Response,
    filename: Filename = None,
) -> ImportAnswer:
    """Upload a file; nothing is imported yet.

    The file is the body, or the part `file` of `multipart/form-data`. CSV of any kind, XLSX, XLS, ODS and lines of JSON
    are accepted. The answer has the recognised format and the suggested mapping of each column.
    """
    name_of_part, content = await uploaded_content(request)
    name = filename_of(filename or name_of_part)
    an_import = await upload(service.database, caller.account_id, caller.key_id, name, content, service.limits)
    response.headers["Location"] = f"/v1/imports/{an_import.id}"
    return ImportAnswer.of(an_import, None)


@router.get("", summary="List imports")
async def list_imports(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    page: Annotated[PageRequest, page_request()],
    state: Annotated[StateName | None, Query(description="Only imports in this state.")] = None,
) -> Page[ImportAnswer]:
    """List the account's imports, newest first."""
    (before,) = page.key(UUID) or (None,)
    listed = await imports_of_account(service.database.pool, caller.account_id, before, state, page.fetch)
    return Page[ImportAnswer].of(
        listed, page, key=lambda an_import: [an_import.id], item=lambda an_import: ImportAnswer.of(an_import, None)
    )


@router.get("/{import_id}", summary="Show an import")
async def show_import(service: Service, caller: Annotated[Caller, requires("read")], import_id: UUID) -> ImportAnswer:
    """Show an import with its progress, and the results of the check and of the run."""
    return await _answer(service, await _find(service, caller, import_id))


async def _find(service: Service, caller: Caller, import_id: UUID) -> Import:
    async with service.database.pool.acquire() as connection:
        return await imports.find_import(connection, caller.account_id, import_id)


@router.put("/{import_id}", status_code=202, summary="Map the columns, and check the rows")
async def check_import(
    service: Service, caller: Annotated[Caller, requires("write")], import_id: UUID, body: CheckBody
) -> ImportAnswer:
    """Change the mapping and the options, and check every row without changing anything.

    Columns and options that are absent stay unchanged. 409 once the import has been started.
    """
    an_import = await imports.check_import(
        service.database, caller.account_id, import_id, body.mapping(), body.chosen_options(), body.chosen_format()
    )
    return await _answer(service, an_import)


@router.post("/{import_id}/start", status_code=202, summary="Run a checked import")
async def start_import(service: Service, caller: Annotated[Caller, requires("write")], import_id: UUID) -> ImportAnswer:
    """Import the rows that the check did not refuse. 409 unless the import is checked."""
    return await _answer(service, await imports.start_import(service.database, caller.account_id, import_id))


@router.post("/{import_id}/cancel", status_code=202, summary="Cancel an import")
async def cancel_import(
    service: Service, caller: Annotated[Caller, requires("write")], import_id: UUID
) -> ImportAnswer:
    """Stop an import before its next step. Its effects so far stay, and can be undone."""
    return await _answer(service, await imports.cancel_import(service.database, caller.account_id, import_id))


@router.post(
    "/{import_id}/undo",
    status_code=202,
    summary="Undo an import",
    response_model=ImportAnswer | UndoPreview,
    responses={200: {"model": UndoPreview, "description": "What undoing would do (`dry_run`)."}},
)
async def undo_import(
    service: Service,
    caller: Annotated[Caller, requires("write")],
    import_id: UUID,
    response: Response,
    dry_run: Annotated[bool, Query(description="Only return what undoing would do.")] = False,
    erase_created: EraseCreated = False,
) -> BaseModel:
    """Withdraw the labels that the import assigned, and restore values that were not changed since.

    Possible for 7 days. Values that a later import confirmed are kept.
    """
    if dry_run:
        response.status_code = 200
        counts = await imports.preview_undo(service.database, caller.account_id, import_id, erase_created=erase_created)
        return UndoPreview(**counts)
    an_import = await imports.undo_import(service.database, caller.account_id, import_id, erase_created=erase_created)
    return await _answer(service, an_import)


@router.delete("/{import_id}", status_code=204, summary="Delete an import", response_class=Response)
async def delete_import(service: Service, caller: Annotated[Caller, requires("write")], import_id: UUID) -> None:
    """Delete an import with its file and rows. Its effects stay, and can no longer be undone."""
    await imports.delete_import(service.database, caller.account_id, import_id)


@router.get("/{import_id}/errors", summary="List refused rows with the reasons")
async def list_errors(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    import_id: UUID,
    page: Annotated[PageRequest, page_request()],
) -> Page[ImportErrorAnswer]:
    """List the refused rows, each with the reason."""
    an_import = await _find(service, caller, import_id)
    number, place = page.key(int, int) or (0, -1)
    errors = await errors_after(service.database.pool, an_import.id, an_import.generation, (number, place), page.fetch)
    headers: dict[int, Any] = {column["index"]: column["header"] for column in an_import.columns}
    return Page[ImportErrorAnswer].of(
        errors,
        page,
        key=lambda error: [error.number, error.place],
        item=lambda error: ImportErrorAnswer.of(error, headers),
    )


@router.get("/{import_id}/rows", summary="List rows by the result of the check")
async def list_rows(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    import_id: UUID,
    page: Annotated[PageRequest, page_request()],
    outcome: Annotated[
        RowList,
        Query(
            description="The number of `summary` whose rows to list; `all` for `rows`. `create`, `update` and "
            "`unchanged` have the first row of each contact, `duplicates` the others, which are merged with it."
        ),
    ] = "errors",
) -> Page[ImportRowAnswer]:
    """List rows as they were in the file, by what the check found.

    They are kept for 7 days. Rows of erased contacts are deleted. `errors` has the rows that the run refused, too.
    """
    an_import = await _find(service, caller, import_id)
    (after,) = page.key(int) or (0,)
    rows = await listed_rows(service.database.pool, an_import.id, an_import.generation, outcome, after, page.fetch)
    return Page[ImportRowAnswer].of(
        rows,
        page,
        key=lambda listed: [listed[0].number],
        item=lambda listed: ImportRowAnswer(row=listed[0].number, cells=listed[0].cells, reason=listed[1]),
    )


@router.get(
    "/{import_id}/errors.csv",
    summary="Download the refused rows",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": ERROR_FILE}}}},
)
async def show_error_file(
    service: Service, caller: Annotated[Caller, requires("read")], import_id: UUID
) -> StreamingResponse:
    """Return the refused rows unchanged, with the reason in an additional column.

    The file can be corrected and imported again.
    """
    an_import = await _find(service, caller, import_id)
    if an_import.generation == 0:
        raise NotFoundError("file: the import has not been checked")
    headers = {"Content-Disposition": 'attachment; filename="errors.csv"'}
    return StreamingResponse(
        error_file(service.database, an_import), media_type="text/csv; charset=utf-8", headers=headers
    )
