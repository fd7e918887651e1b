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
    unique: dict[FieldError, None] = {}
    for error in errors:
        place, *location = error["loc"] or ("body",)
        pointer = pointer_of(_parts_in_body(location, body, error["type"]) if place == "body" else (place, *location))
        unique[FieldError(pointer, describe(error))] = None
        if len(unique) == MOST_ERRORS:
            break
    return tuple(unique)


def item_errors(errors: Sequence[ErrorDetails], item: object) -> tuple[FieldError, ...]:
    """Return pydantic's errors about one value, such as an item of a batch, as pointers into it."""
    return field_errors([{**error, "loc": ("body", *error["loc"])} for error in errors], item)


def _parts_in_body(location: Sequence[str | int], body: object, error_type: str) -> list[str | int]:
    # A location also names members of unions and validators, but a pointer must name only parts of the body.
    parts: list[str | int] = []
    node = body
    for index, part in enumerate(location):
        try:
            node = node[part]  # type: ignore[index] # of any type; errors are handled
        except (LookupError, TypeError):
            if error_type != "missing" or index < len(location) - 1:
                continue
        parts.append(part)
    return parts
