"""Labeling's routers: errors of the domain become HTTP problems."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from services.labeling.domain.errors import (
    ConflictError,
    InvalidError,
    LimitError,
    NotFoundError,
    StateError,
    TooLargeError,
)
from shared.http import routing
from shared.http.problems import FieldError, Problem, in_use
from shared.uses import InUseError

_ERRORS = (ConflictError, InUseError, InvalidError, LimitError, NotFoundError, StateError, TooLargeError)


def problem_of(error: Exception) -> Problem:
    """Return the HTTP problem for an error of the domain."""
    if isinstance(error, InUseError):
        return in_use(error)
    if isinstance(error, LimitError):
        return Problem(422, str(error))
    if isinstance(error, NotFoundError):
        return Problem(404, str(error))
    if isinstance(error, ConflictError):
        return Problem(409, error.summary, errors=[FieldError(error.pointer, error.detail)])
    if isinstance(error, StateError):
        return Problem(409, str(error))
    if isinstance(error, TooLargeError):
        return Problem(413, _sentence(str(error)))
    assert isinstance(error, InvalidError)
    if not error.pointer:
        return Problem(422, _sentence(error.detail), errors=[FieldError("", error.detail)])
    return Problem(422, "The request is not valid; see errors.", errors=[FieldError(error.pointer, error.detail)])


def _sentence(detail: str) -> str:
    return f"{detail[:1].upper()}{detail[1:]}."


def _with_problems(endpoint: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(endpoint)
    async def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the signature is the endpoint's
        try:
            return await endpoint(*arguments, **options)
        except _ERRORS as error:
            raise problem_of(error) from None

    return call


class _Route(routing.Route):
    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, _with_problems(endpoint), **options)


class Router(routing.Router):
    """A router whose endpoints may raise errors of the domain."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"route_class": _Route, **options})
