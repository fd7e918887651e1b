"""Contacts: finding them, adding one, changing and erasing one."""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import Response

from services.console.api.counting import counts_of
from services.console.api.forms import Form, read_form
from services.console.api.languages import _
from services.console.api.lists import PAGE, filters_of, listing
from services.console.api.page import AccountPage, OfAccount
from services.console.apis.client import ApiProblem, Json
from services.console.domain.contact_columns import PREFIX, PROPERTIES, columns_of
from services.console.domain.fields import field_values
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/contacts", include_in_schema=False)

SUBSCRIPTIONS = ("subscribed", "unconfirmed", "unsubscribed", "bounced", "blocked")


@router.get("")
async def contacts(page: OfAccount) -> Response:
    """Find contacts."""
    filters = filters_of(page.request, "q", "label", "segment", "subscription", "sort", "import", "outcome")
    cursor = page.request.query_params.get("cursor")
    answer, fields, labels, segments, (total,), an_import = await asyncio.gather(
        _find(page, filters, cursor),
        page.api.items("labeling", "/v1/fields"),
        page.api.items("labeling", "/v1/labels"),
        page.api.find("segmentation", "/v1/segments", limit=1000),
        counts_of(page.api, [{"all": []}]),
        _import(page, filters["import"]),
    )
    chosen = page.request.query_params.getlist("column")
    return page.show(
        "contacts.html",
        here="contacts",
        block="list",
        list=listing(page.request, answer, filters, {"column": chosen}),
        columns=columns_of(chosen, [one["key"] for one in fields]),
        column_names=_column_names(fields),
        labels=labels,
        segments=(segments or {"items": []})["items"],
        subscriptions=SUBSCRIPTIONS,
        total=total,
        an_import=an_import,
    )


@router.get("/new")
async def new(page: OfAccount) -> Response:
    """Show the form of a new contact."""
    page.require("write")
    return await _form(page, Form(), None)


@router.post("/new")
async def create(page: OfAccount) -> Response:
    """Add a contact."""
    page.require("write")
    form = await read_form(page.request)
    fields = await page.api.items("labeling", "/v1/fields")
    body = _body(form, fields, {})
    try:
        created = await page.api.post(
            "labeling", "/v1/contacts", {name: value for name, value in body.items() if value}
        )
    except ApiProblem as problem:
        form.refuse(problem, _pointers(fields))
        return await _form(page, form, None, status=422)
    return page.go(page.url(f"contacts/{created['contact_id']}"), _("The contact was added."))


@router.get("/{contact_id}/edit")
async def edit(page: OfAccount, contact_id: int) -> Response:
    """Show the form of a contact."""
    page.require("write")
    return await _form(page, Form(), await page.api.get("labeling", f"/v1/contacts/{contact_id}"))


@router.post("/{contact_id}/edit")
async def change(page: OfAccount, contact_id: int) -> Response:
    """Change a contact."""
    page.require("write")
    form = await read_form(page.request)
    contact = await page.api.get("labeling", f"/v1/contacts/{contact_id}")
    fields = await page.api.items("labeling", "/v1/fields")
    changes = {
        name: value
        for name, value in _body(form, fields, contact["fields"]).items()
        if name == "fields" or value != (contact.get(name) or "")
    }
    # Merge patch: null clears. The API refuses to clear the address.
    body = {name: (None if value == "" else value) for name, value in changes.items()}
    try:
        await page.api.patch("labeling", f"/v1/contacts/{contact_id}", body)
    except ApiProblem as problem:
        form.refuse(problem, _pointers(fields))
        return await _form(page, form, contact, status=422)
    return page.go(page.url(f"contacts/{contact_id}"), _("The contact is saved."))


@router.get("/{contact_id}/erase")
async def ask_erase(page: OfAccount, contact_id: int) -> Response:
    """Show the effect of erasing."""
    page.require("write")
    contact = await page.api.get("labeling", f"/v1/contacts/{contact_id}")
    return page.show("contact_erase.html", here="contacts", contact=contact)


@router.post("/{contact_id}/erase")
async def erase(page: OfAccount, contact_id: int) -> Response:
    """Erase a contact permanently."""
    page.require("write")
    await page.api.delete("labeling", f"/v1/contacts/{contact_id}")
    return page.go(page.url("contacts"), _("The contact is erased."))


def _column_names(fields: list[Json]) -> dict[str, str]:
    """Return the names of the columns by key."""
    names = {
        "subscription": _("Subscription"),
        "external_id": _("Your own id"),
        "language": _("Language"),
        "source": _("Acquired at"),
        "tracking_consent": _("Tracking"),
        "created_at": _("Added"),
        "changed_at": _("Changed"),
    }
    properties = {PREFIX + name: names[name] for name in PROPERTIES}
    return properties | {field["key"]: field["name"] for field in fields}


async def _find(page: AccountPage, filters: dict[str, str], cursor: str | None) -> Json:
    parameters: dict[str, object] = {"limit": PAGE, "cursor": cursor}
    parameters.update(
        {name: filters[name] for name in ("label", "segment", "subscription", "sort", "import", "outcome")}
    )
    try:
        return await page.api.get("labeling", "/v1/contacts", **_search_parameters(page, filters["q"]), **parameters)
    except ApiProblem as problem:
        if problem.status not in (400, 404, 422):
            raise
        return {"items": [], "next_cursor": None, "total": 0}


async def _import(page: AccountPage, import_id: str) -> Json | None:
    try:
        return await page.api.find("labeling", f"/v1/imports/{UUID(import_id)}")
    except ValueError:
        return None


def _search_parameters(page: AccountPage, text: str) -> dict[str, object]:
    """Return the query parameters that search for a text: the prefix of an address, an id, or a word."""
    if page.features.takes("labeling", "/v1/contacts", "search"):
        return {"search": text}
    return {"email": text} if "@" in text else {"external_id": text}


async def _form(page: AccountPage, form: Form, contact: Json | None, status: int = 200) -> Response:
    return page.show(
        "contact_form.html",
        status=status,
        here="contacts",
        form=form,
        contact=contact,
        fields=await page.api.items("labeling", "/v1/fields"),
        subscriptions=SUBSCRIPTIONS,
    )


def _body(form: Form, fields: list[Json], current: Json) -> dict[str, Any]:
    body: dict[str, Any] = {name: form[name] for name in ("email", "external_id", "language", "source")}
    if form["subscription"]:
        body["subscription"] = form["subscription"]
    values, invalid = field_values({one["key"]: form[f"field.{one['key']}"] for one in fields}, fields)
    form.errors.update({f"field.{key}": _("This is not a number.") for key in invalid})
    changed = {key: value for key, value in values.items() if value != current.get(key)}
    if changed:
        body["fields"] = changed
    return body


def _pointers(fields: list[Json]) -> dict[str, str]:
    return {f"/fields/{field['key']}": f"field.{field['key']}" for field in fields}
