"""msgspec and pydantic read the same classes, and accept the same values."""

import string
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import MsgspecError, json
from pydantic import ValidationError

from shared.events.codec import body_of
from shared.events.envelope import Event
from shared.events.json_schema import schema_of
from shared.events.registry import EVENTS
from shared.events.workflow import SetField

OURS = [model for model in EVENTS if issubclass(model, Event)]
# Its member `key` has another name in Python, which msgspec does not support for dataclasses: pydantic reads it.
ONLY_PYDANTIC = {SetField}

Schema = dict[str, Any]
Value = Any

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars: st.SearchStrategy[Value] = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), texts
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2), max_leaves=4
)
FORMATS = {
    "uuid": st.uuids().map(str),
    "date-time": st.datetimes().map(lambda moment: moment.isoformat(timespec="microseconds") + "Z"),
}
ODD: list[Value] = [
    None, True, -1, 0, 1, 1.0, 2**31, 2**32, 2**64, 0.5, 1e300, "", "1", "x" * 41, "x" * 201, "true", [], {}, [None],
    {"id": 1}, "2026-03-01", "2026-03-01T12:00:00", "2026-03-01T12:00:00.5Z", "2026-13-01T12:00:00Z",
    "01900000000070008000000000000000", "{01900000-0000-7000-8000-000000000000}", "\x00", "Z",
]  # fmt: skip


def by_schema(schema: Schema, definitions: Schema) -> st.SearchStrategy[Value]:
    """Return a strategy for the values that one of our JSON schemas allows."""

    def of(part: Schema) -> st.SearchStrategy[Value]:
        return by_schema(part, definitions)

    if "$ref" in schema:
        return of(definitions[schema["$ref"].rsplit("/", 1)[1]])
    if "anyOf" in schema:
        return st.one_of([of(part) for part in schema["anyOf"]])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    kinds: dict[str, Callable[[], st.SearchStrategy[Value]]] = {
        "null": st.none,
        "boolean": st.booleans,
        "number": lambda: st.floats(allow_nan=False, allow_infinity=False),
        "integer": lambda: st.integers(schema.get("minimum", -(2**63)), schema.get("maximum", 2**63 - 1)),
        "string": lambda: FORMATS.get(schema.get("format", ""), limited_text(schema)),
        "array": lambda: st.lists(of(schema["items"]), max_size=3),
        "object": lambda: objects(schema, of),
    }
    return kinds[schema["type"]]()


def limited_text(schema: Schema) -> st.SearchStrategy[str]:
    longest = schema.get("maxLength", 60)
    return st.text(string.printable + "é😀", min_size=schema.get("minLength", 0), max_size=longest)


def objects(schema: Schema, of: Callable[[Schema], st.SearchStrategy[Value]]) -> st.SearchStrategy[Value]:
    if "properties" not in schema:
        rest = schema.get("additionalProperties", True)
        return st.dictionaries(texts, anything if rest is True else of(rest), max_size=3)
    required = schema.get("required", [])
    members = {name: of(part) for name, part in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: members[name] for name in required},
        optional={name: strategy for name, strategy in members.items() if name not in required},
    )


def places(value: Value, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path to every part of a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield (*path, key)
        yield from places(one, (*path, key))


def corrupt(value: Value, path: tuple[str | int, ...], odd: Value) -> None:
    for key in path[:-1]:
        value = value[key]
    if odd is ODD:
        del value[path[-1]]
    else:
        value[path[-1]] = deepcopy(odd)  # a changed `value` would affect the next example


def by_pydantic(model: Any, text: bytes) -> Event | None:
    try:
        event: Event = model.__pydantic_validator__.validate_json(text, strict=True)
    except ValidationError:
        return None
    return event


def by_msgspec(model: type[Event], text: bytes) -> Event | None:
    try:
        return json.decode(text, type=model)
    except MsgspecError:
        return None


def same(one: Event, other: Event) -> bool:
    """Return whether two values are the same JSON: 1, 1.0 and true are equal in Python, but not in JSON.

    Each reader generates an id for an event without one.
    """
    other = replace(other, event_id=one.event_id)
    return one == other and body_of(one) == body_of(other)


@pytest.mark.parametrize("model", OURS, ids=lambda model: str(model.name))
@settings(max_examples=40)
@given(data=st.data())
def test_both_accept_every_value_that_the_schema_allows(model: type[Event], data: st.DataObject) -> None:
    schema = schema_of(model)
    text = orjson.dumps(data.draw(by_schema(schema, schema.get("$defs", {}))))

    slow, fast = by_pydantic(model, text), by_msgspec(model, text)

    assert slow is not None
    assert (fast is None) == (model in ONLY_PYDANTIC)
    assert fast is None or same(fast, slow)


@pytest.mark.parametrize("model", OURS, ids=lambda model: str(model.name))
@settings(max_examples=40)
@given(data=st.data())
def test_pydantic_accepts_every_value_that_msgspec_accepts(model: type[Event], data: st.DataObject) -> None:
    schema = schema_of(model)
    body = data.draw(by_schema(schema, schema.get("$defs", {})))
    for _ in range(data.draw(st.integers(1, 2))):
        found = list(places(body))
        if found:
            corrupt(body, data.draw(st.sampled_from(found)), data.draw(st.sampled_from([*ODD, ODD])))
    text = json.encode(body)

    slow, fast = by_pydantic(model, text), by_msgspec(model, text)

    assert fast is None or (slow is not None and same(fast, slow))
