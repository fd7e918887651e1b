"""Parses values of contacts' fields in forms."""

from collections.abc import Mapping, Sequence
from typing import Any


def field_values(texts: Mapping[str, str], fields: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """Parse the entered texts of contacts' fields, by key.

    Returns the values by key, None for an empty text, and the keys whose text is invalid for the type of the field.
    """
    values: dict[str, Any] = {}
    invalid: list[str] = []
    for field in fields:
        key, text = field["key"], texts.get(field["key"], "")
        if text == "":
            values[key] = None
        elif field["type"] == "number":
            number = number_of(text)
            if number is None:
                invalid.append(key)
            else:
                values[key] = number
        elif field["type"] == "boolean":
            values[key] = text == "true"
        else:
            values[key] = text
    return values, invalid


def number_of(text: str) -> int | float | None:
    """Return the number in a text, with a point or a comma; None if it is not a finite number."""
    plain = text.replace(" ", "").replace(",", ".")
    try:
        return int(plain)
    except ValueError:
        pass
    try:
        number = float(plain)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None
