"""Pages for signing in and out, and the person's accounts and settings."""

import hmac
from typing import Annotated, Any
from urllib.parse import quote

import structlog
from fastapi import Header, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask

from services.console.api.cookies import clear_session, session_cookie, set_session
from services.console.api.forms import Form, read_form
from services.console.api.languages import LANGUAGES, _, choose, language
from services.console.api.page import SignedIn, signed_in
from services.console.api.problems import error_page
from services.console.api.rendering import render
from services.console.api.state import Console, console_of
from services.console.domain.errors import NotFound
from services.console.store import people
from services.console.store import sessions as sessions_store
from services.console.use_cases import sessions
from services.console.use_cases.mails import NotMailed, mail_sign_in_link
from services.console.use_cases.operators import link_for_operator
from shared.http.allowance import Allowance
from shared.http.problems import Problem
from shared.http.routing import Router

log = structlog.get_logger()

router = Router(include_in_schema=False)
programs = Router(tags=["console"])

THEMES = ("system", "light", "dark")
LONGEST_NAME = 80
BY_CLIENT = Allowance(per_minute=20)
BY_ADDRESS = Allowance(per_minute=3)


class SignInLinkBody(BaseModel):
    """The person that a link is for."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, description="The name of the person.")]
    account_keys: Annotated[
        list[str], Field(max_length=100, description="Admin keys of accounts that the person will administer.")
    ] = []


class SignInLinkAnswer(BaseModel):
    """A link that signs in."""

    url: Annotated[str, Field(description="The link. It can be used once, within an hour.")]


@programs.post("/v1/sign-in-links", status_code=201, summary="Create a link that signs the operator in once")
async def make_link(
    request: Request, body: SignInLinkBody, authorization: Annotated[str, Header(include_in_schema=False)] = ""
) -> SignInLinkAnswer:
    """Make a link for the operator's command line, which sends the operator's key."""
    console = console_of(request)
    operator_key = console.settings.operator_key
    expected = "" if operator_key is None else f"Bearer {operator_key.get_secret_value()}"
    if not expected or not hmac.compare_digest(authorization.encode(), expected.encode()):
        raise Problem(401, "The operator's key is required.", headers={"WWW-Authenticate": "Bearer"})
    token = await link_for_operator(console.database, console.platform, console.vault, body.name, body.account_keys)
    return SignInLinkAnswer(url=f"{console.settings.base_url}/sign-in/{token}")


@router.get("/sign-in")
async def ask(request: Request, then: Annotated[str, Query(alias="next")] = "/") -> Response:
    """Show how to sign in; `next` is the path of the page to which the browser then goes."""
    return _sign_in_page(request, next=_local_path(then))


@router.post("/sign-in")
async def mail(request: Request) -> Response:
    """Mail a link to the person with this address, if there is one.

    The answer and its timing are the same if there is none, because the address is looked up after the answer.
    """
    form = await read_form(request)
    client = request.client.host if request.client is not None else ""
    if not BY_CLIENT.take(client) or not BY_ADDRESS.take(form["email"].lower()):
        _set_language(request)
        text = _("Too many links were requested. Try again in a minute.")
        return error_page(request, 429, _("Please wait a moment"), text)
    answer = _sign_in_page(request, mailed=True)
    if form["email"] and console_of(request).settings.smtp is not None:
        answer.background = BackgroundTask(
            _mail_link, console_of(request), form["email"], _local_path(form["next"]), language.get()
        )
    return answer


async def _mail_link(console: Console, email: str, next_path: str, browser_language: str) -> None:
    person = await people.person_of_email(console.database.pool, email)
    if person is None:
        return
    token = await sessions.make_link(console.database, person.person_id)
    query = "" if next_path == "/" else f"?next={quote(next_path, safe='/')}"
    language.set(person.language or browser_language)
    try:
        url = f"{console.settings.base_url}/sign-in/{token}{query}"
        await mail_sign_in_link(console.settings, person.email, url, _)
    except NotMailed as error:
        log.warning("a sign-in link could not be mailed", reason=str(error))


@router.get("/sign-in/{token}")
async def confirm(request: Request, token: str, then: Annotated[str, Query(alias="next")] = "/") -> Response:
    """Show the button that signs in, so that mail scanners and previews, which only open links, do not consume the
    link."""
    await sessions.check_link(console_of(request).database, token)
    return _sign_in_page(request, token=token, next=_local_path(then))


@router.post("/sign-in/link")
async def use(request: Request) -> Response:
    """Consume the link and begin a session."""
    console = console_of(request)
    form = await read_form(request)
    session = await sessions.sign_in(console.database, form["token"], request.headers.get("user-agent", ""))
    response = RedirectResponse(_local_path(form["next"]), 303)
    set_session(response, console.settings, session)
    return response


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session, or all of the person's sessions."""
    console = console_of(request)
    form = await read_form(request)
    person = await signed_in(request)
    await sessions.sign_out(console.database, person, everywhere=form["everywhere"] == "yes")
    response = RedirectResponse("/sign-in", 303)
    clear_session(response, console.settings)
    return response


@router.get("/")
async def accounts(page: SignedIn) -> Response:
    """Show the person's accounts; redirect to the account if there is only one."""
    console = page.console
    memberships = await people.memberships_of(console.database.pool, page.person.person_id)
    if len(memberships) == 1 and not page.person.is_operator:
        return RedirectResponse(f"/a/{memberships[0].account_id}/", 303)
    cache = page.request.app.state.accounts
    shown = []
    for membership in memberships:
        api = console.platform.with_key(console.vault.decrypt(membership.api_key, membership.account_id))
        shown.append({**await cache.of(membership.account_id, api), "role": membership.role})
    return page.show("accounts.html", accounts=shown)


@router.get("/me")
async def me(page: SignedIn) -> Response:
    """Show the person's name, language, theme and sessions."""
    return await _own_settings(page, Form())


@router.post("/me")
async def change_me(page: SignedIn) -> Response:
    """Change the person's name, language and theme."""
    form = await read_form(page.request)
    if not 1 <= len(form["name"]) <= LONGEST_NAME:
        form.errors["name"] = _("A name has 1 to 80 characters.")
        return await _own_settings(page, form, status=422)
    chosen = form["language"] if form["language"] in LANGUAGES else None
    theme = form["theme"] if form["theme"] in THEMES else "system"
    await people.update_preferences(page.console.database.pool, page.person.person_id, form["name"], chosen, theme)
    if chosen:
        language.set(chosen)
    return page.go("/me", _("Saved."))


@router.post("/me/sessions/{session_id}/end")
async def end_session(page: SignedIn, session_id: str) -> Response:
    """End one of the person's sessions."""
    own_sessions = await sessions_store.sessions_of(page.console.database.pool, page.person.person_id)
    for session in own_sessions:
        if str(session["session_id"]) == session_id:
            await sessions_store.end_session(page.console.database.pool, session["session_id"], page.person.person_id)
            return page.go("/me", _("The session has ended."))
    raise NotFound


async def _own_settings(page: SignedIn, form: Form, status: int = 200) -> Response:
    own_sessions = await sessions_store.sessions_of(page.console.database.pool, page.person.person_id)
    return page.show("me.html", status=status, form=form, sessions=own_sessions, themes=THEMES)


def _sign_in_page(request: Request, **values: Any) -> Response:
    _set_language(request)
    can_mail = console_of(request).settings.smtp is not None
    template_values = {"token": None, "mailed": False, "next": "/", "can_mail": can_mail, "request": request, **values}
    return HTMLResponse(render("sign_in.html", template_values), headers={"Cache-Control": "no-store"})


def _set_language(request: Request) -> None:
    language.set(choose(None, request.headers.get("accept-language", "")))


def _local_path(path: str) -> str:
    """Return the path if it belongs to this site, never a URL of another site."""
    if not path.startswith("/") or path.startswith(("//", "/\\")):
        return "/"
    return quote(path, safe="/?&=%:;,+@-._~")


__all__ = ["programs", "router", "session_cookie"]
