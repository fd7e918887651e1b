"""Pages of exports: request a file, show its progress, download it."""

from collections.abc import AsyncIterator, Mapping
from uuid import UUID

from fastapi import Response
from starlette.responses import StreamingResponse

from services.console.api.forms import Form, read_form
from services.console.api.languages import _
from services.console.api.lists import filters_of, paginate
from services.console.api.page import AccountPage, OfAccount
from services.console.apis.client import ApiProblem, Json
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/exports", include_in_schema=False)

FORMATS = ("csv_excel", "csv", "xlsx", "ndjson")
_EXTENSIONS = {"csv_excel": "csv", "csv": "csv", "xlsx": "xlsx", "ndjson": "ndjson"}


@router.get("")
async def exports(page: OfAccount) -> Response:
    """List the exports, with the form of a new one."""
    return await _list(page, Form())


@router.post("")
async def create(page: OfAccount) -> Response:
    """Request a file."""
    page.require("write")
    form = await read_form(page.request)
    kind, _colon, ref = form["of"].partition(":")
    body: Json = {"of": {kind: ref} if ref else {"all": True}, "format": form["format"] or "csv_excel"}
    if form.all("column"):
        body["columns"] = form.all("column")
    try:
        await page.api.post("labeling", "/v1/exports", body)
    except ApiProblem as problem:
        form.refuse(problem)
        return await _list(page, form, status=422)
    return page.go(page.url("exports"), _("The file is being written."))


@router.get("/{export_id}/file")
async def fetch(page: OfAccount, export_id: UUID) -> Response:
    """Stream the file to the browser."""
    export = await page.api.get("labeling", f"/v1/exports/{export_id}")
    name = f"contacts-{export['created_at'][:10]}.{_EXTENSIONS.get(export['format'], 'txt')}"

    async def content() -> AsyncIterator[bytes]:
        async with page.api.stream("labeling", f"/v1/exports/{export_id}/file") as answer:
            async for chunk in answer.aiter_bytes():
                yield chunk

    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(content(), media_type="application/octet-stream", headers=headers)


@router.post("/{export_id}/delete")
async def delete(page: OfAccount, export_id: UUID) -> Response:
    """Delete an export with its file."""
    page.require("write")
    await page.api.delete("labeling", f"/v1/exports/{export_id}")
    return page.go(page.url("exports"), _("The file is deleted."))


async def _list(page: AccountPage, form: Form, status: int = 200) -> Response:
    filters = filters_of(page.request, "q", "format")
    items = await page.api.items("labeling", "/v1/exports")
    labels = await page.api.items("labeling", "/v1/labels")
    segments = await page.api.items("segmentation", "/v1/segments")
    names = {("label", one["id"]): one["name"] for one in labels}
    names.update({("segment", one["id"]): one["name"] for one in segments})
    query = filters["q"].casefold()
    matching = [
        one
        for one in items
        if query in _source(one["of"], names).casefold() and filters["format"] in ("", one["format"])
    ]
    return page.show(
        "exports.html",
        status=status,
        here="exports",
        block="list",
        form=form,
        list=paginate(page.request, matching, filters, 25),
        labels=labels,
        segments=segments,
        fields=await page.api.items("labeling", "/v1/fields"),
        asked=page.request.query_params.get("of", ""),
        formats=FORMATS,
        source=lambda of: _source(of, names),
        at_work=any(one["state"] in ("queued", "running") for one in items),
    )


def _source(of: Json, names: Mapping[tuple[str, str], str]) -> str:
    """Return a description of the contacts in an export."""
    kind, ref = next(((kind, str(ref)) for kind, ref in of.items() if kind != "all"), ("all", ""))
    if kind == "all":
        return _("All contacts")
    return names.get((kind, ref)) or (_("Contacts of an import") if kind == "import" else _("deleted"))
