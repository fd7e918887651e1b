"""Problems: every error is answered as `application/problem+json` (RFC 9457), created in this module."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated

import asyncpg
import structlog
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from shared.bus.errors import is_passing
from shared.correlation import correlation_id
from shared.http.pointers import FieldError, field_errors
from shared.store.errors import EventTooLarge
from shared.uses import InUseError

__all__ = [
    "FieldError",
    "Force",
    "Problem",
    "ProblemDetails",
    "in_use",
    "install_problem_handlers",
    "problem_response",
    "unavailable",
]

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 2  # seconds; a store takes a few to restart

log = structlog.get_logger()


class ErrorDetails(BaseModel):
    """One fault of a request."""

    pointer: str = Field(
        description="JSON pointer into the body; `/query/…`, `/path/…` or `/header/…` for faults elsewhere."
    )
    detail: Annotated[str, Field(description="What is wrong, in words.", examples=["is not an e-mail address"])]


class ProblemDetails(BaseModel):
    """A problem (RFC 9457): why a request was not carried out."""

    type: str = Field("about:blank", description="A URI that names the kind of problem.")
    title: Annotated[str, Field(description="The meaning of the status.", examples=["Unprocessable Content"])]
    status: Annotated[int, Field(description="The status of the answer.", examples=[422])]
    detail: Annotated[str, Field(description="What is wrong, in words.", examples=["The request is not valid."])] = ""
    errors: Annotated[list[ErrorDetails], Field(description="The faults of the request.")] = []
    request_id: str | None = Field(None, description="The answer's `X-Request-Id`; also the events' correlation id.")


class Problem(Exception):  # named after the problem that the client gets
    """Raise this anywhere below an endpoint: the client gets `status`, `detail` and `errors`.

    `more` are further members of the body. `detail` says what to do, and must not quote personal data.
    """

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        title: str | None = None,
        type_: str = "about:blank",
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.title = title or HTTPStatus(status).phrase
        self.type = type_
        self.more = dict(more or {})


def unavailable(detail: str = "A store is unavailable or busy. Try again in a moment.") -> Problem:
    """Return a 503 with `Retry-After`."""
    return Problem(503, detail, headers={"Retry-After": str(RETRY_AFTER)})


# The query parameter of an endpoint that deletes: `force: Force = False`.
Force = Annotated[bool, Query(description="Delete it even if it is in use; the things that use it become broken.")]


def in_use(error: InUseError) -> Problem:
    """Return 409 with `uses`: the users that prevent deleting a thing without `?force=true`."""
    return Problem(
        409,
        f"The {error.thing} is in use; see uses. Add ?force=true to delete it anyway.",
        more={"uses": [asdict(use) for use in error.uses]},
    )


def problem_response(problem: Problem) -> Response:
    """Return the response for `problem`."""
    correlation = correlation_id.get()
    body = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "errors": [asdict(error) for error in problem.errors],
        "request_id": None if correlation is None else str(correlation),
        **problem.more,
    }
    # ASCII only: a pointer may quote the name of a member, which may contain any character.
    return Response(json.dumps(body), problem.status, problem.headers, media_type=MEDIA_TYPE)


def install_problem_handlers(app: FastAPI) -> None:
    """Convert every exception of endpoints, of the router and of validation to a problem."""
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(RequestValidationError, _answer_validation_error)
    app.add_exception_handler(EventTooLarge, _answer_too_large)


async def _answer_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    detail = error.detail if error.detail != HTTPStatus(error.status_code).phrase else ""
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # The router names only the methods of the first route with this path.
        headers["Allow"] = ", ".join(_methods_of(request))
    return problem_response(Problem(error.status_code, detail, headers=headers))


def _methods_of(request: Request) -> Sequence[str]:
    scope = {name: request.scope[name] for name in ("type", "path", "root_path", "headers", "app")}
    methods = [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in request.app.router.routes)
    ]
    return [*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"]


async def _answer_too_large(_request: Request, error: Exception) -> Response:
    return problem_response(Problem(422, f"This is too large for one event: {error}."))


async def _answer_validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if any(item["type"] == "missing" and item["loc"] == ("body",) for item in error.errors()):
        return problem_response(Problem(400, "The body is empty; JSON is expected."))
    return problem_response(
        Problem(422, "The request is not valid; see errors.", errors=field_errors(error.errors(), error.body))
    )


def problem_of(error: Exception) -> Problem:
    """Return the problem for an exception that nothing else handles, and log the exception."""
    if isinstance(error, asyncpg.DiskFullError):
        log.error("the disk of the database is full", exc_info=error)
        return unavailable("The disk of the database is full: nothing was stored. Try again once there is room.")
    if is_passing(error):
        log.warning("a store is not available", exc_info=error)
        return unavailable()
    if isinstance(error, asyncpg.DataError | asyncpg.InterfaceError):
        # The request's model should have refused such a value, so log it as an error.
        log.error("PostgreSQL refused a value", exc_info=error)
        return Problem(422, "A value cannot be stored.")
    log.error("request failed", exc_info=error)
    return Problem(500, "Unexpected error. Please report the request id.")
