"""The page of a contact's own data and of its erasure. A mailed link opens it for 30 minutes."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import Response
from fastapi.responses import RedirectResponse

from services.labeling.api.pages.preferences import gone, is_test
from services.labeling.api.pages.rendering import View
from services.labeling.api.pages.requests import first, read_form, read_token
from services.labeling.api.routing import Router
from services.labeling.api.service import Labeling, Service
from services.labeling.domain.errors import NotFoundError
from services.labeling.use_cases.access import forget, is_current, request_access
from services.labeling.use_cases.choices import load_preferences, own_data
from shared.http.allowance import Allowance
from shared.http.bodies import JsonRequest
from shared.tokens import Purpose, TokenContents

router = Router(include_in_schema=False)
REQUESTS = Allowance(per_minute=3)


class _ExpiredError(Exception):
    """The link is older than 30 minutes."""


@router.post("/p/{token}/access")
async def mail_access_link(service: Service, request: JsonRequest, token: str) -> Response:
    """Mail the contact a link to its own data."""
    try:
        recipient = read_token(service, token)
        preferences = await load_preferences(service.database, recipient.account_id, recipient.contact_id)
    except NotFoundError as error:
        return gone(request, error)
    view = View.of(request, preferences.account, preferences.contact.language)
    if is_test(recipient):
        return RedirectResponse(f"/p/{token}", 303)
    if not REQUESTS.take(token):
        return view.message("too_many_title", "too_many", status=429)
    assert service.tokens is not None
    await request_access(
        service.database, service.tokens, service.preferences_url, recipient.account_id, recipient.contact_id
    )
    return RedirectResponse(f"/p/{token}?sent=1", 303)


@router.get("/p/{token}/data")
async def show_data(service: Service, request: JsonRequest, token: str) -> Response:
    """Show the stored data of the contact."""
    try:
        recipient = _read_token(service, token)
        preferences = await load_preferences(service.database, recipient.account_id, recipient.contact_id)
        data = await own_data(service.database, recipient.account_id, recipient.contact_id)
    except NotFoundError as error:
        return gone(request, error)
    except _ExpiredError:
        return _expired(request)
    view = View.of(request, preferences.account, preferences.contact.language)
    return view.page("data.html", view.text("data_title"), action=f"/p/{token}/data", rows=list(_rows(data)))


@router.get("/p/{token}/data.json")
async def download_json(service: Service, request: JsonRequest, token: str) -> Response:
    """Download the stored data of the contact as JSON."""
    try:
        recipient = _read_token(service, token)
        data = await own_data(service.database, recipient.account_id, recipient.contact_id)
    except NotFoundError as error:
        return gone(request, error)
    except _ExpiredError:
        return _expired(request)
    return _download(orjson.dumps(data, option=orjson.OPT_INDENT_2), "application/json", "data.json")


@router.get("/p/{token}/data.csv")
async def download_csv(service: Service, request: JsonRequest, token: str) -> Response:
    """Download the stored data of the contact as CSV."""
    try:
        recipient = _read_token(service, token)
        data = await own_data(service.database, recipient.account_id, recipient.contact_id)
    except NotFoundError as error:
        return gone(request, error)
    except _ExpiredError:
        return _expired(request)
    text = io.StringIO()
    csv.writer(text).writerows([("field", "value"), *((name, _without_formula(value)) for name, value in _rows(data))])
    return _download(text.getvalue().encode(), "text/csv; charset=utf-8", "data.csv")


@router.post("/p/{token}/data")
async def erase_own_data(service: Service, request: JsonRequest, token: str) -> Response:
    """Erase the contact if the box that confirms this is ticked."""
    try:
        recipient = _read_token(service, token)
        preferences = await load_preferences(service.database, recipient.account_id, recipient.contact_id)
    except NotFoundError as error:
        return gone(request, error)
    except _ExpiredError:
        return _expired(request)
    form = await read_form(request)
    if first(form, "sure") != "yes":
        return RedirectResponse(f"/p/{token}/data", 303)
    view = View.of(request, preferences.account, preferences.contact.language)
    assert service.suppression is not None
    await forget(
        service.database,
        service.suppression,
        recipient.account_id,
        recipient.contact_id,
        suppress=first(form, "suppress") == "yes",
    )
    return view.message("forget_title", "forgotten")


def _read_token(service: Labeling, token: str) -> TokenContents:
    recipient = read_token(service, token, Purpose.ACCESS)
    if not is_current(recipient, datetime.now(UTC)):
        raise _ExpiredError
    return recipient


def _expired(request: JsonRequest) -> Response:
    return View.of(request).message("expired_title", "expired", status=410)


def _rows(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in data.items():
        if name == "fields":
            yield from ((f"field {key}", str(field)) for key, field in value.items())
        elif name == "labels":
            yield from ((f"label {label['name']}", _members(label, "name")) for label in value)
        elif name == "decisions":
            yield from ((f"decision {decision['at']}", _members(decision, "at")) for decision in value)
        elif name == "engagements":
            yield from ((f"{item['kind']} {item['at']}", _members(item, "kind", "at")) for item in value)
        else:
            yield name, "" if value is None else str(value)


def _members(item: dict[str, Any], *left_out: str) -> str:
    return ", ".join(
        f"{key}: {value}" for key, value in item.items() if key not in left_out and value not in (None, {})
    )


def _without_formula(value: str) -> str:
    """Return the text of a cell that spreadsheet programs do not interpret as a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _download(body: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(body, media_type=media_type, headers=headers)
