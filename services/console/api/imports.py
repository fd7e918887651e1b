"""Imports: upload a file, map its columns, preview and run it, see its progress and refused rows, undo it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastapi import Response
from starlette.datastructures import UploadFile
from starlette.responses import Response as Plain

from services.console.api.forms import Form, read_form
from services.console.api.languages import _
from services.console.api.lists import PAGE, filters_of, listing, paginate
from services.console.api.page import AccountPage, OfAccount
from services.console.apis.client import ApiProblem, Json
from services.console.domain.import_form import NEW_TYPES, PLAIN_TARGETS, check_body, choice_of
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/imports", include_in_schema=False)

AT_WORK = ("checking", "running", "undoing")
STATES = ("uploaded", "checked", "running", "done", "cancelled", "failed", "undone")
OUTCOMES = ("created", "updated", "unchanged")  # numbers of the result that are contacts
_ROWS_KEPT_FOR = timedelta(days=7)  # by the API, with the effects of the import
_LARGEST_FILE = 200_000_000  # bytes; the API has a limit of its own


@router.get("")
async def imports(page: OfAccount) -> Response:
    """List the imports, with the form for a file."""
    return await _list(page, Form())


@router.post("")
async def upload(page: OfAccount) -> Response:
    """Upload a file, whose columns are recognised."""
    page.require("write")
    form = Form()
    submitted = await page.request.form(max_files=1, max_part_size=_LARGEST_FILE)
    file = submitted.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        form.errors["file"] = _("Choose a file first.")
        return await _list(page, form, status=422)
    content = await file.read()
    try:
        answer = await page.api.send(
            "labeling",
            "POST",
            "/v1/imports",
            params={"filename": file.filename},
            content=content,
            headers={"Content-Type": "application/octet-stream"},
        )
    except ApiProblem as problem:
        form.refuse(problem)
        form.errors["file"] = next(iter(form.errors.values()))
        return await _list(page, form, status=422)
    return page.go(page.url(f"imports/{answer.json()['id']}"))


@router.get("/{import_id}")
async def show(page: OfAccount, import_id: UUID) -> Response:
    """Show an import: its next step, or its progress."""
    return await _import(page, import_id, Form())


@router.post("/{import_id}/check")
async def check(page: OfAccount, import_id: UUID) -> Response:
    """Map the columns and check every row; nothing is changed."""
    page.require("write")
    form = await read_form(page.request)
    an_import = await page.api.get("labeling", f"/v1/imports/{import_id}")
    try:
        await page.api.put("labeling", f"/v1/imports/{import_id}", check_body(form.values, an_import["columns"]))
    except ApiProblem as problem:
        form.refuse(problem)
        return await _import(page, import_id, form, status=422)
    return page.go(page.url(f"imports/{import_id}"))


@router.post("/{import_id}/start")
async def start(page: OfAccount, import_id: UUID) -> Response:
    """Run a checked import."""
    page.require("write")
    await page.api.post("labeling", f"/v1/imports/{import_id}/start")
    return page.go(page.url(f"imports/{import_id}"))


@router.post("/{import_id}/cancel")
async def cancel(page: OfAccount, import_id: UUID) -> Response:
    """Stop an import; its changes stay until it is undone."""
    page.require("write")
    await page.api.post("labeling", f"/v1/imports/{import_id}/cancel")
    return page.go(page.url(f"imports/{import_id}"), _("The import is stopped. Its changes stay until you undo it."))


@router.get("/{import_id}/undo")
async def ask_undo(page: OfAccount, import_id: UUID) -> Response:
    """Show the effect of undoing."""
    page.require("write")
    an_import = await page.api.get("labeling", f"/v1/imports/{import_id}")
    preview = await page.api.send("labeling", "POST", f"/v1/imports/{import_id}/undo", params={"dry_run": "true"})
    return page.show("import_undo.html", here="imports", found=an_import, preview=preview.json())


@router.post("/{import_id}/undo")
async def undo(page: OfAccount, import_id: UUID) -> Response:
    """Undo an import."""
    page.require("write")
    form = await read_form(page.request)
    erase = {"erase_created": "true"} if form["erase_created"] == "yes" else None
    await page.api.send("labeling", "POST", f"/v1/imports/{import_id}/undo", params=erase)
    return page.go(page.url(f"imports/{import_id}"))


@router.get("/{import_id}/rows")
async def rows(page: OfAccount, import_id: UUID) -> Response:
    """List the rows behind a number of the check, as they were in the file."""
    filters = filters_of(page.request, "outcome")
    cursor = page.request.query_params.get("cursor")
    path = f"/v1/imports/{import_id}"
    an_import, answer = await asyncio.gather(
        page.api.get("labeling", path),
        page.api.get("labeling", f"{path}/rows", outcome=filters["outcome"] or "errors", limit=PAGE, cursor=cursor),
    )
    shown = listing(page.request, answer, filters)
    return page.show("import_rows.html", here="imports", found=an_import, list=shown)


@router.get("/{import_id}/refused.csv")
async def refused_rows(page: OfAccount, import_id: UUID) -> Response:
    """Return the refused rows unchanged, with the reasons."""
    answer = await page.api.send("labeling", "GET", f"/v1/imports/{import_id}/errors.csv")
    disposition = f'attachment; filename="refused-{import_id}.csv"'
    return Plain(answer.content, media_type="text/csv", headers={"Content-Disposition": disposition})


async def _list(page: AccountPage, form: Form, status: int = 200) -> Response:
    filters = filters_of(page.request, "q", "state")
    query = filters["q"].casefold()
    matching = [
        one
        for one in await page.api.items("labeling", "/v1/imports")
        if query in (one["filename"] or "").casefold() and filters["state"] in ("", one["state"])
    ]
    shown = paginate(page.request, matching, filters, 25)
    return page.show("imports.html", status=status, here="imports", block="list", list=shown, form=form, states=STATES)


def _is_kept(an_import: Json) -> bool:
    """Return whether the API still has the rows of the import and what it did."""
    ended = an_import["finished_at"] or an_import["changed_at"]
    return an_import["state"] in AT_WORK or datetime.now(UTC) - datetime.fromisoformat(ended) < _ROWS_KEPT_FOR


def _outcomes_of_contacts(page: AccountPage, an_import: Json) -> Sequence[str]:
    """Return the numbers of the result whose contacts can be listed."""
    can_list = page.features.takes("labeling", "/v1/contacts", "import")
    return OUTCOMES if can_list and _is_kept(an_import) and an_import["state"] != "undone" else ()


def _outcomes_of_rows(page: AccountPage, an_import: Json) -> Sequence[str]:
    """Return the numbers of the check whose rows can be listed."""
    return page.features.choices("labeling", "/v1/imports/{import_id}/rows", "outcome") if _is_kept(an_import) else ()


async def _import(page: AccountPage, import_id: UUID, form: Form, status: int = 200) -> Response:
    an_import = await page.api.get("labeling", f"/v1/imports/{import_id}")
    errors: Json = {"items": []}
    if an_import["state"] not in ("uploaded", "checking"):
        errors = await page.api.get("labeling", f"/v1/imports/{import_id}/errors", limit=20)
    return page.show_progress(
        "import.html",
        status=status,
        here="imports",
        form=form,
        found=an_import,
        errors=errors["items"],
        fields=await page.api.items("labeling", "/v1/fields"),
        labels=await page.api.items("labeling", "/v1/labels"),
        at_work=an_import["state"] in AT_WORK,
        choice_of=choice_of,
        plain=PLAIN_TARGETS,
        new_types=NEW_TYPES,
        outcomes=_outcomes_of_contacts(page, an_import),
        rows=_outcomes_of_rows(page, an_import),
    )
