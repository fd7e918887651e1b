"""Error pages, as HTML, or as problems for programs."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import structlog
from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from services.console.api.cookies import session_cookie
from services.console.api.languages import _, choose, language
from services.console.api.page import NotAllowed, SignInNeeded
from services.console.api.rendering import render
from services.console.api.state import console_of
from services.console.apis.client import ApiProblem, Unreachable
from services.console.domain.errors import LinkExpired, NotFound
from services.console.use_cases.vault import SecretChanged
from shared.http.app import Application
from shared.http.problems import Problem, problem_response

log = structlog.get_logger()

Handler = Callable[[Request, Exception], Awaitable[Response]]


def install_error_pages(app: Application) -> None:
    """Answer every error with a page."""
    handlers: dict[type[Exception], Handler] = {
        SignInNeeded: _sign_in,
        NotAllowed: _not_allowed,
        NotFound: _not_found,
        LinkExpired: _link_expired,
        ApiProblem: _refused,
        Unreachable: _unreachable,
        SecretChanged: _sign_in,
        HTTPException: _http,
        Problem: _problem,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def error_page(request: Request, status: int, title: str, text: str) -> Response:
    """Return an error page in the language of the browser."""
    return HTMLResponse(
        render("error.html", {"title": title, "text": text, "status": status, "request": request}), status
    )


def _set_language(request: Request) -> None:
    if language.get() == "en":
        language.set(choose(None, request.headers.get("accept-language", "")))


async def _sign_in(request: Request, _error: Exception) -> Response:
    _set_language(request)
    if request.headers.get("hx-request") == "true":
        # htmx must not swap the sign-in page into a part of a page with typed values.
        return HTMLResponse(_("You are signed out. Sign in in another tab, then try again."), 401)
    if request.method != "GET":
        text = _("Your session has ended. Sign in in another tab, then go back: what you typed is still there.")
        return error_page(request, 401, _("You are signed out"), text)
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    response = RedirectResponse(f"/sign-in?next={quote(path)}", 303)
    response.delete_cookie(session_cookie(console_of(request).settings))
    return response


async def _not_allowed(request: Request, _error: Exception) -> Response:
    _set_language(request)
    text = _("Your role in this account does not allow this. An administrator of the account can change your role.")
    return error_page(request, 403, _("You do not have permission"), text)


async def _not_found(request: Request, _error: Exception) -> Response:
    _set_language(request)
    text = _("It may have been deleted, or it belongs to an account that you have no access to.")
    return error_page(request, 404, _("There is nothing here"), text)


async def _link_expired(request: Request, _error: Exception) -> Response:
    _set_language(request)
    text = _("This link was already used or has expired. Request a new one.")
    return error_page(request, 410, _("This link does not work any more"), text)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiProblem)
    if error.status == 401:
        return await _sign_in(request, error)
    if error.status == 403:
        return await _not_allowed(request, error)
    if error.status == 404:
        return await _not_found(request, error)
    if error.status == 503:
        return await _unreachable(request, error)
    _set_language(request)
    log.warning("an API refused a request", service=error.service, status=error.status)
    details = [error.detail, *(f"{fault.get('pointer', '')}: {fault.get('detail', '')}" for fault in error.errors)]
    status = error.status if error.status < 500 else 502
    return error_page(request, status, _("This was not accepted"), "\n".join(details))


async def _unreachable(request: Request, error: Exception) -> Response:
    _set_language(request)
    service = getattr(error, "service", "")
    text = _("The %(service)s service does not answer at the moment. Try again in a few seconds.", service=service)
    response = error_page(request, 503, _("Please wait a moment"), text)
    response.headers["Retry-After"] = "2"
    return response


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return await _not_found(request, error)
    _set_language(request)
    return error_page(request, error.status_code, _("This does not work"), str(error.detail))


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    if request.url.path.startswith(("/v1/", "/health/")):
        return problem_response(error)
    _set_language(request)
    if error.status == 404:
        return await _not_found(request, error)
    return error_page(request, error.status, error.title, error.detail)
