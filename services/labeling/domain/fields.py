"""Fields of contacts: a fixed key, a type, and the valid values of each type.

text      a string of up to 1,000 characters, stored in Unicode's NFC
number    a finite JSON number; true and false are not numbers
date      a string `YYYY-MM-DD`
boolean   true or false
choice    one of the field's choices, compared ignoring case, stored as the definition spells it
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import orjson

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.text import comparison_key, tidy
from shared.events.labeling import FieldType, Scalar
from shared.pointers import pointer_of

LONGEST_TEXT = 1_000
LARGEST_NUMBER = 1e15  # every JSON reader represents integers up to this exactly
MOST_CHOICES = 500
# An event carries the whole contact and must stay far below what Kafka accepts.
LARGEST_FIELDS = 200_000  # bytes as JSON
KEY = re.compile(r"[a-z][a-z0-9_]{0,49}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Field(NamedTuple):
    """The present definition of a field."""

    key: str
    name: str
    type: FieldType
    choices: tuple[str, ...] = ()


def field_key(text: str) -> str:
    """Return `text` as a field's key. Raises InvalidError."""
    if not KEY.fullmatch(text):
        raise InvalidError(
            "a field's key must have 1 to 50 lower-case letters, digits and underscores, and begin with a letter"
        )
    return text


def field_name(text: str) -> str:
    """Return `text` as the name that people see. Raises InvalidError."""
    name = tidy(text)
    if not 1 <= len(name) <= 100:
        raise InvalidError("a field's name must have 1 to 100 characters")
    return name


def field_choices(field_type: FieldType, choices: Sequence[str]) -> tuple[str, ...]:
    """Return the distinct choices of a field of `field_type`; only the type choice has any. Raises InvalidError."""
    if field_type != "choice":
        if choices:
            raise InvalidError("only a field of type choice can have choices")
        return ()
    trimmed = tuple(tidy(choice) for choice in choices)
    if not 1 <= len(trimmed) <= MOST_CHOICES:
        raise InvalidError(f"a field of type choice must have 1 to {MOST_CHOICES} choices")
    keys: set[str] = set()
    for index, choice in enumerate(trimmed):
        if not 1 <= len(choice) <= 100:
            raise InvalidError("a choice must have 1 to 100 characters", f"/{index}")
        if comparison_key(choice) in keys:
            raise InvalidError(f"the choice {choice!r} occurs twice", f"/{index}")
        keys.add(comparison_key(choice))
    return trimmed


def field_value(field: Field, value: object) -> Scalar:
    """Return `value` as a value of `field`. Raises InvalidError."""
    return CHECKS[field.type](field, value)


def merged(
    fields: Mapping[str, Scalar], patch: Mapping[str, object], definitions: Mapping[str, Field]
) -> dict[str, Scalar]:
    """Return `fields` after a merge patch: null clears a field, others stay. Raises InvalidError."""
    after = dict(fields)
    for key, value in patch.items():
        field = definitions.get(key)
        if field is None:
            raise InvalidError(f"there is no field {key!r}", pointer_of([key]))
        if value is None:
            after.pop(key, None)
            continue
        try:
            after[key] = field_value(field, value)
        except InvalidError as error:
            raise InvalidError(error.detail, pointer_of([key]) + error.pointer) from None
    check_size(fields, after)
    return after


def check_size(before: Mapping[str, Scalar], after: Mapping[str, Scalar]) -> None:
    """Raise InvalidError if the fields of a contact have grown beyond the size limit."""
    # A change that makes the contact smaller is accepted, so that one that is too large can be reduced.
    size = _size(after)
    if size > LARGEST_FIELDS and size > _size(before):
        raise InvalidError(f"the fields of a contact can have at most {LARGEST_FIELDS} bytes in total")


def _size(fields: Mapping[str, Scalar]) -> int:
    return len(orjson.dumps(fields))  # encoded as in events, where a control character takes six bytes


def _text(field: Field, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidError(f"{field.key} must be a string")
    text = unicodedata.normalize("NFC", value)
    if len(text) > LONGEST_TEXT:
        raise InvalidError(f"{field.key} must have at most {LONGEST_TEXT} characters")
    # Most texts are plain: checking each character takes ten times as long.
    is_plain = text.isascii() and text.isprintable()
    if not is_plain and any(unicodedata.category(character) == "Cs" or character == "\0" for character in text):
        raise InvalidError(f"{field.key} contains a character that is not allowed")
    return text


def _number(field: Field, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidError(f"{field.key} must be a number")
    if not math.isfinite(value) or abs(value) > LARGEST_NUMBER:
        raise InvalidError(f"{field.key} must be a number between -10^15 and 10^15")
    return value


def _date(field: Field, value: object) -> str:
    if isinstance(value, str) and DATE.fullmatch(value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            raise InvalidError(f"{field.key} must be a date; {value} does not exist") from None
    raise InvalidError(f"{field.key} must be a date in the format YYYY-MM-DD")


def _boolean(field: Field, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidError(f"{field.key} must be true or false")
    return value


def _choice(field: Field, value: object) -> str:
    if isinstance(value, str):
        key = comparison_key(value)
        for choice in field.choices:
            if comparison_key(choice) == key:
                return choice
    raise InvalidError(f"{field.key} must be one of: {', '.join(field.choices)}")


CHECKS: Mapping[FieldType, Callable[[Field, object], Scalar]] = {
    "text": _text,
    "number": _number,
    "date": _date,
    "boolean": _boolean,
    "choice": _choice,
}
