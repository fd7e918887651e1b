"""Examples of requests, answers and events, composed from their JSON Schemas.

An example is written once, at its property or model. Containers are composed: an object from its required properties
and those with examples of their own, a page from its items.
"""

from collections.abc import Mapping
from typing import Any

from shared.vocabulary import WORDS

Schema = Mapping[str, Any]

_BY_FORMAT = {
    "uuid": "0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a",
    "date-time": "2026-03-01T12:00:00Z",
    "date": "2026-03-01",
    "time": "09:00:00",
}
_PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


class NoExampleError(LookupError):
    """No example can be composed from a schema. The message is a JSON pointer into the value."""


def example_of(schema: Schema, schemas: Mapping[str, Schema], pointer: str = "") -> Any:  # noqa: ANN401 # any JSON value
    """Return an example of a schema; `schemas` has the schemas that it refers to, by name. `pointer` is its place.

    Raises NoExampleError if an example is missing and cannot be composed.
    """
    if _own_examples(schema):
        return _own_examples(schema)[0]
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, pointer)
    if "const" in schema:
        return schema["const"]
    name = pointer.rpartition("/")[2]
    if name in WORDS and _fits(WORDS[name].example, schema):
        return WORDS[name].example
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("default") not in (None, [], {}):
        return schema["default"]
    choices = schema.get("anyOf", schema.get("oneOf"))
    return _by_type(schema, schemas, pointer) if choices is None else _one_of(choices, schemas, pointer)


def describe(node: object) -> None:
    """Add, in place, the vocabulary's description to each property of a document that has none."""
    if isinstance(node, dict):
        properties = node.get("properties")
        for name, schema in properties.items() if isinstance(properties, dict) else ():
            if name in WORDS and not described(schema, {}):
                schema["description"] = WORDS[name].meaning
        for value in node.values():
            describe(value)
    elif isinstance(node, list):
        for value in node:
            describe(value)


def described(schema: Schema, schemas: Mapping[str, Schema]) -> bool:
    """Return whether a property is described: itself, by its only choice besides null, or by the referenced schema."""
    if schema.get("description"):
        return True
    choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    if len(choices) == 1:
        return described(choices[0], schemas)
    name = schema.get("$ref", "").rpartition("/")[2]
    return name in schemas and described(schemas[name], schemas)


def _own_examples(schema: Schema) -> list[Any]:
    """Return the examples in a schema itself, or in its only choice besides null."""
    examples: list[Any] = schema.get("examples") or []
    choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    return examples or (_own_examples(choices[0]) if len(choices) == 1 else [])


def _one_of(choices: list[Schema], schemas: Mapping[str, Schema], pointer: str) -> Any:  # noqa: ANN401 # any JSON value
    nullable = any(choice.get("type") == "null" for choice in choices)
    for choice in choices:
        if choice.get("type") != "null":
            try:
                return example_of(choice, schemas, pointer)
            except NoExampleError:
                continue
    if nullable:
        return None
    raise NoExampleError(pointer)


def _by_type(schema: Schema, schemas: Mapping[str, Schema], pointer: str) -> Any:  # noqa: ANN401 # any JSON value
    match schema.get("type"):
        case "object":
            return _object(schema, schemas, pointer)
        case "array":
            return [example_of(schema["items"], schemas, f"{pointer}/0")]
        case "string" if schema.get("format") in _BY_FORMAT:
            return _BY_FORMAT[schema["format"]]
        case "boolean":
            return False
        case "null":
            return None
    raise NoExampleError(pointer)


def _object(schema: Schema, schemas: Mapping[str, Schema], pointer: str) -> dict[str, Any]:
    required = schema.get("required", ())
    return {
        name: example_of(inner, schemas, f"{pointer}/{name}")
        for name, inner in schema.get("properties", {}).items()
        if name in required or _own_examples(inner)
    }


def _fits(value: object, schema: Schema) -> bool:
    if value is None:
        return False
    if "enum" in schema:
        return value in schema["enum"]
    return any(
        isinstance(value, _PYTHON_TYPES.get(option.get("type", ""), ())) and value in option.get("enum", [value])
        for option in (schema, *schema.get("anyOf", ()))
    )
