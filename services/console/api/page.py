"""A request for a page, with its person, account and role, and methods to answer it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.console.api.cookies import clear_notice, notice_of, session_cookie, set_notice
from services.console.api.formats import time_zone, zone_of
from services.console.api.languages import choose, language
from services.console.api.rendering import render
from services.console.api.state import Console, console_of
from services.console.apis.client import Api, Json
from services.console.apis.features import Features
from services.console.domain.errors import NotFound
from services.console.domain.roles import Role, may
from services.console.store import people
from services.console.store.people import Membership
from services.console.use_cases.sessions import Person, person_of

_KINDS_WITH_PAGES = ("segment", "workflow", "campaign", "message", "form")  # by their id


class SignInNeeded(Exception):
    """The request has no valid session."""


class NotAllowed(Exception):
    """The person's role does not include this."""


@dataclass(slots=True)
class Page:
    """A request of a signed-in person."""

    request: Request
    console: Console
    person: Person
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def is_fragment(self) -> bool:
        """Whether htmx requests a part of the page."""
        headers = self.request.headers
        return headers.get("hx-request") == "true" and headers.get("hx-request-type") == "partial"

    def show(self, template: str, *, status: int = 200, block: str | None = None, **values: Any) -> Response:
        """Return the page; `block`: only that part, if htmx requests a fragment."""
        notice = None if self.is_fragment else notice_of(self.request)
        shared = {"page": self, "person": self.person, "notice": notice, "request": self.request, **self.values}
        fragment = block if block is not None and self.is_fragment else None
        response = HTMLResponse(render(template, {**shared, **values}, fragment), status)
        response.headers["Vary"] = "HX-Request, HX-Request-Type, Cookie, Accept-Language"
        if notice is not None:
            clear_notice(response)
        return response

    def show_progress(self, template: str, *, status: int = 200, at_work: bool, **values: Any) -> Response:
        """Return a page that reloads its block `progress` during work, and the whole page once the work is done."""
        response = self.show(template, status=status, block="progress", at_work=at_work, **values)
        if self.is_fragment and not at_work:
            response.headers["HX-Refresh"] = "true"
        return response

    def go(self, path: str, notice: str | None = None) -> Response:
        """Redirect to `path` after a change, with a message for the next page."""
        response = RedirectResponse(path, 303)
        if notice is not None:
            set_notice(response, notice)
        return response


@dataclass(slots=True, kw_only=True)
class AccountPage(Page):
    """A request for a page of an account; `others` are the other accounts that the person belongs to."""

    account: Json
    role: Role
    api: Api
    others: Sequence[Membership]

    @property
    def features(self) -> Features:
        """The features of the APIs."""
        features: Features = self.request.app.state.features
        return features

    @property
    def account_id(self) -> int:
        """The account's id."""
        return int(self.account["account_id"])

    def url(self, path: str = "") -> str:
        """Return the URL of a page of this account."""
        return f"/a/{self.account_id}/{path}"

    def people_url(self, criterion: Json) -> str:
        """Return the URL of the list of the contacts behind a number."""
        return self.url(f"people?criterion={quote(json.dumps(criterion, separators=(',', ':')), safe='')}")

    def url_of(self, use: Json) -> str | None:
        """Return the URL of the definition that uses another one, or None if it has no page."""
        if use["kind"] == "block":
            message_id, _slash, block = str(use["id"]).partition("/")
            return self.url(f"messages/{message_id}" + (f"/blocks/{block}" if block else ""))
        return self.url(f"{use['kind']}s/{use['id']}") if use["kind"] in _KINDS_WITH_PAGES else None

    def may(self, role: Role) -> bool:
        """Return whether the person's role includes `role`."""
        return may(self.role, role)

    def may_copy(self) -> bool:
        """Return whether the person may copy things to another account."""
        return any(may(one.role, "write") for one in self.others)

    def require(self, role: Role) -> None:
        """Raise NotAllowed unless the person's role includes `role`."""
        if not self.may(role):
            raise NotAllowed


async def _page(request: Request) -> Page:
    console = console_of(request)
    person = await signed_in(request)
    language.set(choose(person.language, request.headers.get("accept-language", "")))
    return Page(request, console, person)


async def signed_in(request: Request) -> Person:
    """Return the person of the request's session. Raises SignInNeeded."""
    console = console_of(request)
    token = request.cookies.get(session_cookie(console.settings))
    person = None if token is None else await person_of(console.database, token)
    if person is None:
        raise SignInNeeded
    return person


async def _account_page(request: Request, account_id: int) -> AccountPage:
    """Return the page request of an account that the person belongs to. Raises NotFound, also for unknown
    accounts."""
    console = console_of(request)
    person = await signed_in(request)
    language.set(choose(person.language, request.headers.get("accept-language", "")))
    memberships = {one.account_id: one for one in await people.memberships_of(console.database.pool, person.person_id)}
    membership = memberships.pop(account_id, None)
    if membership is None:
        raise NotFound
    api = console.platform.with_key(console.vault.decrypt(membership.api_key, account_id))
    await request.app.state.features.refresh()
    account = await request.app.state.accounts.of(account_id, api)
    time_zone.set(zone_of(account["time_zone"]))
    return AccountPage(
        request, console, person, {"account": account},
        account=account, role=membership.role, api=api, others=list(memberships.values()),
    )  # fmt: skip


SignedIn = Annotated[Page, Depends(_page)]
OfAccount = Annotated[AccountPage, Depends(_account_page)]
