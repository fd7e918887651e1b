"""Incompatible changes of JSON schemas are found."""

from typing import Any

import pytest
from pydantic import BaseModel, create_model

from shared.events.compatibility import incompatibilities

Schema = dict[str, Any]


def of(**members: Schema) -> Schema:
    """Return a schema of an object; a member whose schema has `"must": True` is required."""
    required = [name for name, schema in members.items() if schema.get("must")]
    properties = {
        name: {key: value for key, value in schema.items() if key != "must"} for name, schema in members.items()
    }
    return {"type": "object", "properties": properties, "required": required}


TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
NULL: Schema = {"type": "null"}
MUST: Schema = {"must": True}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (of(a=TEXT), of(), "/a: is removed"),
        (of(), of(a=TEXT | MUST), "/a: is newly required"),
        (of(a=TEXT), of(a=TEXT | MUST), "/a: is newly required"),
        (of(a=TEXT | MUST), of(a=TEXT), "/a: was always there and may now be missing"),
        (of(a=TEXT), of(a=WHOLE), "/a: type was string and is now integer"),
        (of(a=NUMBER), of(a=WHOLE), "/a: type was number and is now integer"),
        (of(a={}), of(a=TEXT), "/a: type was anything and is now string"),
        (of(a={"type": ["string", "null"]}), of(a=TEXT), "/a: type was null, string and is now string"),
        (of(a={"anyOf": [TEXT, NULL]}), of(a=TEXT), "/a: type was null and is now string"),
        (of(a={"enum": [1, 2, 3]}), of(a={"enum": [1, 3]}), "/a: no longer takes [2]"),
        (of(a={"const": 1}), of(a={"const": 2}), "/a: no longer takes [1]"),
        (of(a=TEXT), of(a=TEXT | {"enum": ["x"]}), "/a: took any value and now takes ['x'] only"),
        (of(a=TEXT), of(a=TEXT | {"maxLength": 5}), "/a: maxLength was free and is now 5"),
        (of(a=TEXT | {"maxLength": 6}), of(a=TEXT | {"maxLength": 5}), "/a: maxLength was 6 and is now 5"),
        (of(a=WHOLE | {"minimum": 0}), of(a=WHOLE | {"minimum": 1}), "/a: minimum was 0 and is now 1"),
        (of(a=TEXT), of(a=TEXT | {"pattern": "^x"}), "/a: pattern was free and is now ^x"),
        (of(a=TEXT | {"format": "date"}), of(a=TEXT | {"format": "uuid"}), "/a: format was date and is now uuid"),
        (of(a={"items": TEXT}), of(a={"items": WHOLE}), "/a/*: type was string and is now integer"),
        (of(a={"type": "array"}), of(a={"type": "array", "items": TEXT}), "/a/*: type was anything and is now string"),
        (of(a=of(b=of(c=TEXT))), of(a=of(b=of())), "/a/b/c: is removed"),
        (of(), of() | {"additionalProperties": False}, "/: additionalProperties is now refused"),
        (of(), of() | {"additionalProperties": TEXT}, "/*: type was anything and is now string"),
        (of(), of() | {"propertyNames": {"maxLength": 3}}, "/*: maxLength was free and is now 3"),
        (of(), of() | {"patternProperties": {"^a": TEXT}}, "/*: type was anything and is now string"),
    ],
)
def test_an_incompatible_change_is_found(old: Schema, new: Schema, problem: str) -> None:
    assert [str(found) for found in incompatibilities(old, new)] == [problem]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (of(a=TEXT), of(a=TEXT, b=WHOLE)),
        (of(a=WHOLE), of(a=NUMBER)),
        (of(a=TEXT), of(a={"anyOf": [NULL, TEXT]})),
        (of(a=TEXT), of(a={"type": ["string", "null"]})),
        (of(a={"anyOf": [TEXT, NULL]}), of(a={"anyOf": [NULL, TEXT, WHOLE]})),
        (of(a={"enum": [1, 2]}), of(a={"enum": [2, 3, 1]})),
        (of(a={"const": 1}), of(a={"enum": [1, 2]})),
        (of(a=TEXT | {"maxLength": 5}), of(a=TEXT | {"maxLength": 6})),
        (of(a=TEXT | {"minLength": 5, "pattern": "^x"}), of(a=TEXT)),
        (of(a={"items": TEXT}), of(a={"items": {}})),
        (of() | {"additionalProperties": False}, of()),
        (of() | {"additionalProperties": False}, of() | {"additionalProperties": False}),
        (of(a=TEXT | {"description": "old"}), of(a=TEXT | {"description": "new", "default": "x"})),
    ],
)
def test_a_compatible_change_is_allowed(old: Schema, new: Schema) -> None:
    assert incompatibilities(old, new) == []


def test_a_schema_is_compatible_with_itself() -> None:
    schema = of(a={"anyOf": [TEXT, of(b=WHOLE | MUST)]}, c={"type": "array", "items": TEXT | {"minLength": 1}} | MUST)

    assert incompatibilities(schema, schema) == []


def test_members_of_intake_reports_may_become_optional() -> None:
    assert incompatibilities(of(a=TEXT | MUST), of(a=TEXT), published=False) == []


def test_referenced_definitions_are_compared_whatever_their_names() -> None:
    class Old(BaseModel):
        part: create_model("Part", size=(int, ...), name=(str, ...))  # type: ignore[valid-type]

    class New(BaseModel):
        part: create_model("Piece", size=(str, ...), name=(str, ...))  # type: ignore[valid-type]

    found = incompatibilities(Old.model_json_schema(), New.model_json_schema())

    assert [str(problem) for problem in found] == ["/part/size: type was integer and is now string"]
