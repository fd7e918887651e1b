"""Converts the errors of a validator to JSON pointers (RFC 6901) into the request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from shared.pointers import pointer_of
from shared.validation import describe

MOST_ERRORS = 100  # errors in an answer


@dataclass(frozen=True, slots=True)
class FieldError:
    """A fault and its place: a JSON pointer into the body ("" is the whole body), or `/query/…`, `/path/…`."""

    pointer: str
    detail: str


def field_errors(errors: Sequence[ErrorDetails | Mapping[str, Any]], body: object) -> tuple[FieldError, ...]:
    """Return FastAPI's errors, whose locations begin with `body`, `query`, `path` or `header`, as pointers."""
    found: dict[FieldError, None] = {}
    for error in errors:
        place, *location = error["loc"] or ("body",)
        pointer = pointer_of(_real(location, body, error["type"]) if place == "body" else (place, *location))
        found[FieldError(pointer, describe(error))] = None
        if len(found) == MOST_ERRORS:
            break
    return tuple(found)


def item_errors(errors: Sequence[ErrorDetails], item: object) -> tuple[FieldError, ...]:
    """Return pydantic's errors about one value, such as an item of a batch, as pointers into it."""
    return field_errors([{**error, "loc": ("body", *error["loc"])} for error in errors], item)


def _real(location: Sequence[str | int], body: object, kind: str) -> list[str | int]:
    # A location also names members of unions and validators; a pointer must only name parts of the body.
    parts: list[str | int] = []
    node = body
    for index, part in enumerate(location):
        try:
            node = node[part]  # type: ignore[index] # whatever it is: what is not there is not pointed at
        except (LookupError, TypeError):
            if kind != "missing" or index < len(location) - 1:
                continue
        parts.append(part)
    return parts
