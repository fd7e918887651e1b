""" "Show to …": a section of a mail becomes a block, with variants for some of the contacts."""

from uuid import UUID

from fastapi import Response
from fastapi.responses import HTMLResponse

from services.console.api.forms import Form, read_form
from services.console.api.languages import _
from services.console.api.message_source import read_source, save_source
from services.console.api.page import AccountPage, OfAccount
from services.console.api.security import MAIL_POLICY
from services.console.apis.client import ApiProblem, Json
from services.console.domain.blocks import NAME, wrapped
from services.console.domain.links import names_in
from services.console.domain.mail import cleaned
from services.console.domain.sections import Section, sections_of, with_places
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/messages/{message_id}/sections", include_in_schema=False)


@router.get("")
async def choose(page: OfAccount, message_id: UUID) -> Response:
    """Show the mail, to choose a section."""
    page.require("write")
    return _show(page, await read_source(page, message_id), Form())


@router.get("/mail")
async def mail(page: OfAccount, message_id: UUID) -> Response:
    """Return the mail for the frame, with the place of each section."""
    page.require("write")
    message = await read_source(page, message_id)
    shown = cleaned(with_places(message["html"]), pictures=False)
    headers = {"Content-Security-Policy": MAIL_POLICY.format(pictures=""), "Cache-Control": "no-store"}
    return HTMLResponse(shown, headers=headers)


@router.post("")
async def wrap(page: OfAccount, message_id: UUID) -> Response:
    """Make the section a block with these variants."""
    page.require("write")
    form = await read_form(page.request)
    message = await read_source(page, message_id)
    section = _chosen_section(form, message)
    variants = [name.replace(" ", "-") for name in names_in(form["variants"])]
    name = form["block"].replace(" ", "-")
    _check(form, message, name, variants, section)
    if form.errors or section is None:
        return _show(page, message, form, status=422)
    try:
        await save_source(page, message, wrapped(message["html"], section, name, variants))
    except ApiProblem as problem:
        form.refuse(problem)
        return _show(page, message, form, status=422)
    notice = _("Each variant is now a copy of the section. Choose who is shown it, and change its content.")
    return page.go(page.url(f"messages/{message_id}/blocks/{name}"), notice)


def _chosen_section(form: Form, message: Json) -> Section | None:
    sections = {str(one.start): one for one in sections_of(message["html"])}
    return sections.get(form["place"])


def _check(form: Form, message: Json, name: str, variants: list[str], section: Section | None) -> None:
    if section is None:
        form.errors["place"] = _("Choose a section.")
    if not NAME.fullmatch(name) or name == "subject":
        form.errors["block"] = _("Letters, digits, - and _ only.")
    elif any(block["block"] == name for block in message["blocks"]):
        form.errors["block"] = _("The mail has a block of this name.")
    if not variants or not all(NAME.fullmatch(one) for one in variants):
        form.errors["variants"] = _("Letters, digits, - and _ only.")


def _show(page: AccountPage, message: Json, form: Form, status: int = 200) -> Response:
    return page.show(
        "message_sections.html",
        status=status,
        here="messages",
        form=form,
        message=message,
        sections=[one for one in sections_of(message["html"]) if one.text or one.tag == "img"],
    )
