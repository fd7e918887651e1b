"""Describes pydantic's errors to people who write JSON, without the names of Python's types."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

_OBJECT, _LIST = "Input should be an object", "Input should be a list"
_BY_TYPE = {
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dataclass_type": _OBJECT,
    "dict_type": _OBJECT,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "uuid_type": "Input should be a UUID",
}


def describe(error: ErrorDetails | Mapping[str, Any]) -> str:
    """Return what is wrong with a value."""
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "union_tag_invalid":
        return f"{context['discriminator']} should be one of {context['expected_tags']}"
    if kind == "union_tag_not_found":
        return f"{context['discriminator']} is missing"
    if kind == "too_short":
        least = context["min_length"]
        return f"List should have at least {least} item{'' if least == 1 else 's'}"
    message: str = error["msg"]
    for prefix in ("Value error, ", "Assertion failed, "):
        message = message.removeprefix(prefix)
    return _BY_TYPE.get(kind, message)
