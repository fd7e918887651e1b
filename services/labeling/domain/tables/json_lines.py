"""Reads lines of JSON: every line is an object, which becomes a row of cells."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.tables.cells import escape_formula

MOST_NAMES = 200
MOST_EXAMINED = 500  # lines


def split_lines(content: bytes, *, is_last: bool) -> tuple[list[bytes], int]:
    """Return the complete lines of `content`, and the number of their bytes."""
    end = len(content) if is_last else content.rfind(b"\n") + 1
    lines = content[:end].split(b"\n")
    return lines[:-1] if lines and not lines[-1] else lines, end


def names_of(lines: Sequence[bytes]) -> list[str]:
    """Return the names of the members in the first lines, in the order in which they appear.

    Raises InvalidError if the file is JSON of another form.
    """
    names: dict[str, None] = {}
    for line in lines[:MOST_EXAMINED]:
        if line.strip():
            names.update(dict.fromkeys(_flat(_parse_object(line))))
    if len(names) > MOST_NAMES:
        raise InvalidError(f"the objects have more than {MOST_NAMES} members")
    return list(names)


def cells_of(line: bytes, names: Sequence[str]) -> list[str]:
    """Return the values of a line in the order of `names`. Raises InvalidError if the line is not an object."""
    members = _flat(_parse_object(line))
    unknown = [name for name in members if name not in names]
    if unknown:
        raise InvalidError(f"the member {unknown[0]!r} is not in the first {MOST_EXAMINED} lines")
    return [_text(members.get(name)) for name in names]


def _parse_object(line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise InvalidError("the line is not JSON") from None
    if not isinstance(value, dict):
        raise InvalidError("the line is not a JSON object; each line must be one")
    return value


def _flat(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members, with those of the member `fields` moved to the top level."""
    fields = members.get("fields")
    if not isinstance(fields, dict):
        return dict(members)
    return {**{name: value for name, value in members.items() if name != "fields"}, **fields}


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return escape_formula(value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return escape_formula(",".join(value))
    raise InvalidError("a member has a value that is neither text, a number, true, false, nor a list of texts")
