"""Settings of an account: its name and days, fields, people, keys, jobs."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import structlog
from fastapi import Response

from services.console.api.forms import Form, read_form
from services.console.api.languages import DEFAULT, _
from services.console.api.page import AccountPage, OfAccount
from services.console.api.zones import TIME_ZONES
from services.console.apis.client import ApiProblem, Json
from services.console.domain.errors import LastAdmin
from services.console.domain.roles import ROLES, Role
from services.console.store import invitations as invitations_store
from services.console.store import people as people_store
from services.console.use_cases import people
from services.console.use_cases.mails import NotMailed, mail_invitation
from shared.http.routing import Router

log = structlog.get_logger()
router = Router(prefix="/a/{account_id}/settings", include_in_schema=False)

TYPES = ("text", "number", "date", "boolean", "choice")
_LONGEST_NAME = 80
_UTM = ("source", "medium", "campaign")
_BRAND = ("name", "logo_url", "colour", "postal_address")
CONTACT_LANGUAGES = {"nl": "Nederlands", "en": "English", "fr": "Français", "de": "Deutsch"}


@router.get("")
async def settings(page: OfAccount) -> Response:
    """Show all settings."""
    return await _settings(page, {})


@router.post("/account")
async def change_account(page: OfAccount) -> Response:
    """Change the account's name, days and brand."""
    page.require("admin")
    form = await read_form(page.request)
    body: Json = {"name": form["name"], "time_zone": form["time_zone"]}
    if "brand_name" in form.values:
        body["brand"] = _brand(form)
        body["languages"] = form.all("language") or [DEFAULT]
        body["track_unknown_consent"] = form["track_unknown_consent"] == "yes"
    try:
        await page.api.patch("labeling", "/v1/account", body)
    except ApiProblem as problem:
        form.refuse(problem, {f"/brand/{name}": f"brand_{name}" for name in _BRAND})
        return await _settings(page, {"account": form}, status=422)
    page.request.app.state.accounts.forget(page.account_id)
    return page.go(page.url("settings"), _("Saved."))


@router.post("/utm")
async def change_utm(page: OfAccount) -> Response:
    """Change the UTM parameters of tracked links; without a source, none are appended."""
    page.require("admin")
    form = await read_form(page.request)
    utm = {name: form[f"utm_{name}"] or None for name in _UTM}
    try:
        await page.api.patch("labeling", "/v1/account", {"utm": utm if utm["source"] else None})
    except ApiProblem as problem:
        form.refuse(problem, {f"/utm/{name}": f"utm_{name}" for name in _UTM})
        return await _settings(page, {"utm": form}, status=422)
    page.request.app.state.accounts.forget(page.account_id)
    return page.go(page.url("settings") + "#utm", _("Saved. It also applies to mails that were already sent."))


@router.post("/fields")
async def add_field(page: OfAccount) -> Response:
    """Add a field of contacts."""
    page.require("write")
    form = await read_form(page.request)
    body: Json = {"key": form["key"], "name": form["name"], "type": form["type"]}
    if form["type"] == "choice":
        body["choices"] = [one.strip() for one in form["choices"].split(",") if one.strip()]
    try:
        await page.api.post("labeling", "/v1/fields", body)
    except ApiProblem as problem:
        form.refuse(problem)
        return await _settings(page, {"field": form}, status=422)
    return page.go(page.url("settings") + "#fields", _('The field "%(name)s" was added.', name=form["name"]))


@router.get("/fields/{key}/edit")
async def edit_field(page: OfAccount, key: str) -> Response:
    """Show the form of a field."""
    page.require("write")
    return await _field_form(page, key, Form())


@router.post("/fields/{key}/edit")
async def change_field(page: OfAccount, key: str) -> Response:
    """Change the name of a field, and the choices of a choice field."""
    page.require("write")
    form = await read_form(page.request)
    body: Json = {"name": form["name"]}
    if "choices" in form.values:
        body["choices"] = [one.strip() for one in form["choices"].split(",") if one.strip()]
    try:
        await page.api.patch("labeling", f"/v1/fields/{key}", body)
    except ApiProblem as problem:
        form.refuse(problem)
        return await _field_form(page, key, form, status=422)
    return page.go(page.url("settings") + "#fields", _("Saved."))


@router.get("/fields/{key}/delete")
async def ask_delete_field(page: OfAccount, key: str) -> Response:
    """Show the effect of deleting a field."""
    page.require("write")
    return await _field_deletion(page, key, [])


@router.post("/fields/{key}/delete")
async def delete_field(page: OfAccount, key: str) -> Response:
    """Delete a field."""
    page.require("write")
    form = await read_form(page.request)
    try:
        await page.api.delete("labeling", f"/v1/fields/{key}", force="true" if form["force"] == "yes" else None)
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        return await _field_deletion(page, key, problem.uses, status=409)
    return page.go(page.url("settings") + "#fields", _("The field is deleted."))


@router.post("/people")
async def invite(page: OfAccount) -> Response:
    """Invite a person; the link is shown, and mailed if a mail server is set."""
    page.require("admin")
    form = await read_form(page.request)
    role = _role(form["role"])
    if not 1 <= len(form["name"]) <= _LONGEST_NAME:
        form.errors["name"] = _("A name has 1 to 80 characters.")
    if "@" not in form["email"] or len(form["email"]) > 254:
        form.errors["email"] = _("This is not an e-mail address.")
    if form.errors:
        return await _settings(page, {"invitation": form}, status=422)
    console = page.console
    token = await people.invite(
        console.database,
        page.api,
        console.vault,
        page.account_id,
        page.person.person_id,
        form["name"],
        form["email"],
        role,
    )
    link = f"{console.settings.base_url}/invitation/{token}"
    mailed = console.settings.smtp is not None
    try:
        await mail_invitation(console.settings, form["email"], link, page.account["name"], _)
    except NotMailed as error:
        log.warning("an invitation could not be mailed", reason=str(error))
        mailed = False
    return await _settings(page, {}, invitation_link=link, invited=form["name"], invitation_mailed=mailed)


@router.post("/invitations/{invitation_id}/withdraw")
async def withdraw(page: OfAccount, invitation_id: UUID) -> Response:
    """Withdraw an invitation."""
    page.require("admin")
    await people.withdraw(page.console.database, page.api, page.account_id, invitation_id)
    return page.go(page.url("settings") + "#people", _("The invitation is withdrawn."))


@router.post("/people/{person_id}/role")
async def change_role(page: OfAccount, person_id: UUID) -> Response:
    """Change the role of a person."""
    page.require("admin")
    form = await read_form(page.request)
    console = page.console
    try:
        await people.change_role(
            console.database,
            page.api,
            console.vault,
            page.account_id,
            person_id,
            form["name"] or "person",
            _role(form["role"]),
        )
    except LastAdmin:
        return await _settings(page, {"people": _last_admin()}, status=409)
    return page.go(page.url("settings") + "#people", _("The role is changed."))


@router.post("/people/{person_id}/remove")
async def remove(page: OfAccount, person_id: UUID) -> Response:
    """Remove a person from the account and revoke their key."""
    page.require("admin")
    try:
        await people.remove(page.console.database, page.api, page.account_id, person_id)
    except LastAdmin:
        return await _settings(page, {"people": _last_admin()}, status=409)
    if person_id == page.person.person_id:
        return page.go("/")
    return page.go(page.url("settings") + "#people", _("Removed. They no longer have access."))


@router.post("/keys")
async def make_key(page: OfAccount) -> Response:
    """Create an API key for another system; it is shown once."""
    page.require("admin")
    form = await read_form(page.request)
    try:
        created = await page.api.post("labeling", "/v1/keys", {"name": form["name"], "scopes": form.all("scope")})
    except ApiProblem as problem:
        form.refuse(problem)
        return await _settings(page, {"key": form}, status=422)
    return await _settings(page, {}, made_key=created)


@router.post("/keys/{key_id}/revoke")
async def revoke_key(page: OfAccount, key_id: UUID) -> Response:
    """Revoke a key."""
    page.require("admin")
    await page.api.delete("labeling", f"/v1/keys/{key_id}")
    return page.go(page.url("settings") + "#keys", _("The key is revoked; it stops working within a second."))


async def _settings(page: AccountPage, forms: dict[str, Form], status: int = 200, **values: Any) -> Response:
    fields, jobs = await asyncio.gather(
        page.api.items("labeling", "/v1/fields"), page.api.get("labeling", "/v1/jobs", limit=10)
    )
    pool = page.console.database.pool
    for_admins: dict[str, Any] = {
        "keys": [],
        "people": [],
        "invitations": [],
        "invitation_link": None,
        "made_key": None,
    }
    if page.may("admin"):
        for_admins["keys"] = await page.api.items("labeling", "/v1/keys")
        for_admins["people"] = await people_store.people_of(pool, page.account_id)
        for_admins["invitations"] = await invitations_store.invitations_of(pool, page.account_id)
    return page.show(
        "settings.html",
        status=status,
        here="settings",
        form=lambda name: replace(forms.get(name) or Form(), prefix=f"{name}-"),
        fields=fields,
        jobs=jobs["items"],
        types=TYPES,
        roles=ROLES,
        time_zones=TIME_ZONES,
        contact_languages=CONTACT_LANGUAGES,
        **{**for_admins, **values},
    )


async def _field_form(page: AccountPage, key: str, form: Form, status: int = 200) -> Response:
    field = await page.api.get("labeling", f"/v1/fields/{key}")
    return page.show("field_form.html", status=status, here="settings", form=form, field=field)


async def _field_deletion(page: AccountPage, key: str, uses: list[Json], status: int = 200) -> Response:
    field = await page.api.get("labeling", f"/v1/fields/{key}")
    return page.show("field_delete.html", status=status, here="settings", field=field, uses=uses)


def _brand(form: Form) -> Json | None:
    brand = {name: form[f"brand_{name}"] or None for name in _BRAND}
    return brand if brand["name"] else None


def _role(text: str) -> Role:
    return next((role for role in ROLES if role == text), "read")


def _last_admin() -> Form:
    return Form(errors={"": _("The account must have at least one administrator.")})
