"""Hosted forms: a page on which people sign up and choose public labels."""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import Response

from services.console.api.counting import counts_of
from services.console.api.forms import Form, read_form
from services.console.api.languages import _
from services.console.api.lists import filters_of, paginate
from services.console.api.page import AccountPage, OfAccount
from services.console.api.settings import CONTACT_LANGUAGES
from services.console.apis.client import ApiProblem, Json
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/forms", include_in_schema=False)


@router.get("")
async def forms(page: OfAccount) -> Response:
    """List the forms."""
    filters = filters_of(page.request, "q")
    query = filters["q"].casefold()
    matching = [one for one in await page.api.items("labeling", "/v1/forms") if query in one["name"].casefold()]
    return page.show("forms.html", here="forms", block="list", list=paginate(page.request, matching, filters, 25))


@router.get("/new")
async def new(page: OfAccount) -> Response:
    """Show the page for a new form."""
    page.require("write")
    return await _form(page, Form(), None)


@router.post("/new")
async def create(page: OfAccount) -> Response:
    """Create a form."""
    page.require("write")
    form = await read_form(page.request)
    try:
        created = await page.api.post("labeling", "/v1/forms", _body(form))
    except ApiProblem as problem:
        form.refuse(problem)
        return await _form(page, form, None, status=422)
    return page.go(page.url(f"forms/{created['id']}"), _("The form was created. Open its page, or embed it."))


@router.get("/{form_id}")
async def show(page: OfAccount, form_id: UUID) -> Response:
    """Show a form: its page, how to embed it, what it asks."""
    filled_in: Json = {"engaged": {"kind": "form.submitted", "ref": str(form_id), "at_least": 1}}
    recent: Json = {"engaged": {**filled_in["engaged"], "within_days": 30}}
    hosted_form, fields, labels, counts = await asyncio.gather(
        page.api.get("labeling", f"/v1/forms/{form_id}"),
        page.api.items("labeling", "/v1/fields"),
        page.api.items("labeling", "/v1/labels"),
        counts_of(page.api, [filled_in, recent]),
    )
    codes = page.account.get("languages") or ["en"]
    return page.show(
        "form.html",
        here="forms",
        found=hosted_form,
        fields={field["key"]: field["name"] for field in fields},
        labels={label["id"]: label["name"] for label in labels},
        languages_of_account={code: CONTACT_LANGUAGES.get(code, code) for code in codes},
        people=list(zip((filled_in, recent), counts, strict=True)),
    )


@router.get("/{form_id}/edit")
async def edit(page: OfAccount, form_id: UUID) -> Response:
    """Show the page for changing a form."""
    page.require("write")
    return await _form(page, Form(), await page.api.get("labeling", f"/v1/forms/{form_id}"))


@router.post("/{form_id}/edit")
async def change(page: OfAccount, form_id: UUID) -> Response:
    """Change a form."""
    page.require("write")
    form = await read_form(page.request)
    try:
        await page.api.put("labeling", f"/v1/forms/{form_id}", _body(form))
    except ApiProblem as problem:
        form.refuse(problem)
        return await _form(page, form, await page.api.get("labeling", f"/v1/forms/{form_id}"), status=422)
    return page.go(page.url(f"forms/{form_id}"), _("Saved."))


@router.get("/{form_id}/delete")
async def ask_delete(page: OfAccount, form_id: UUID) -> Response:
    """Show the effect of deleting the form."""
    page.require("write")
    hosted_form = await page.api.get("labeling", f"/v1/forms/{form_id}")
    return page.show("form_delete.html", here="forms", found=hosted_form)


@router.post("/{form_id}/delete")
async def delete(page: OfAccount, form_id: UUID) -> Response:
    """Delete the form."""
    page.require("write")
    await page.api.delete("labeling", f"/v1/forms/{form_id}", force="true")
    return page.go(page.url("forms"), _("The form is deleted."))


async def _form(page: AccountPage, form: Form, hosted_form: Json | None, status: int = 200) -> Response:
    fields, labels = await asyncio.gather(
        page.api.items("labeling", "/v1/fields"), page.api.items("labeling", "/v1/labels")
    )
    public = [label for label in labels if label["visibility"] == "public" and label["state"] == "active"]
    chosen = form.all("field") if form.values else (hosted_form or {}).get("fields", [])
    offered = form.all("label") if form.values else (hosted_form or {}).get("labels", [])
    values: dict[str, Any] = {
        "form": form,
        "found": hosted_form,
        "fields": fields,
        "labels": public,
        "chosen": chosen,
        "offered": offered,
    }
    return page.show("form_form.html", status=status, here="forms", **values)


def _body(form: Form) -> Json:
    return {
        "name": form["name"],
        "text": form["text"] or None,
        "fields": form.all("field"),
        "labels": form.all("label"),
        "double_opt_in": form["double_opt_in"] == "yes",
    }
