"""Parses values of contacts' fields in forms."""

from collections.abc import Mapping, Sequence
from typing import Any


def field_values(typed: Mapping[str, str], fields: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """Return the values by key, None if nothing was typed; and the keys whose text is invalid for the type."""
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for field in fields:
        key, text = field["key"], typed.get(field["key"], "")
        if text == "":
            values[key] = None
        elif field["type"] == "number":
            number = number_of(text)
            if number is None:
                wrong.append(key)
            else:
                values[key] = number
        elif field["type"] == "boolean":
            values[key] = text == "true"
        else:
            values[key] = text
    return values, wrong


def number_of(text: str) -> int | float | None:
    """Return the typed number, with a point or a comma; None if it is not a number."""
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
