"""Accepting an invitation."""

from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.console.api.cookies import set_session
from services.console.api.forms import Form, read_form
from services.console.api.languages import _, choose, language
from services.console.api.page import SignInNeeded, signed_in
from services.console.api.rendering import render
from services.console.api.state import console_of
from services.console.domain.errors import SignInFirst
from services.console.store.invitations import Invitation
from services.console.use_cases import people, sessions
from services.console.use_cases.sessions import Person
from shared.http.routing import Router

router = Router(prefix="/invitation", include_in_schema=False)

_LONGEST_NAME = 80


@router.get("/{token}")
async def show(request: Request, token: str) -> Response:
    """Show the account of an invitation."""
    invitation = await people.invitation_of(console_of(request).database, token)
    return _page(request, invitation, await _signed_in(request), Form())


@router.post("/{token}")
async def accept(request: Request, token: str) -> Response:
    """Join the account; sign in as a new person if the browser has no session."""
    console = console_of(request)
    form = await read_form(request)
    invitation = await people.invitation_of(console.database, token)
    person = await _signed_in(request)
    if person is None and not 1 <= len(form["name"]) <= _LONGEST_NAME:
        form.errors["name"] = _("A name has 1 to 80 characters.")
        return _page(request, invitation, None, form, status=422)
    try:
        member_id, account_id = await people.accept(
            console.database, token, None if person is None else person.person_id, form["name"]
        )
    except SignInFirst:
        return RedirectResponse(f"/sign-in?next=/invitation/{quote(token)}", 303)
    response = RedirectResponse(f"/a/{account_id}/", 303)
    if person is None:
        session = await sessions.begin_session(console.database, member_id, request.headers.get("user-agent", ""))
        set_session(response, console.settings, session)
    return response


async def _signed_in(request: Request) -> Person | None:
    try:
        return await signed_in(request)
    except SignInNeeded:
        return None


def _page(request: Request, invitation: Invitation, person: Person | None, form: Form, status: int = 200) -> Response:
    language.set(choose(None if person is None else person.language, request.headers.get("accept-language", "")))
    values = {"invitation": invitation, "who": person, "form": form, "request": request}
    return HTMLResponse(render("invitation.html", values), status)
