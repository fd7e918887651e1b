"""The JSON Schema of every event and intake record, as files next to the models.

A file is a contract: it describes a released version. The file of the newest version follows the model; files of older
versions never change, because their records are kept.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from uuid_utils.compat import uuid7

from shared.events.compatibility import Incompatibility, incompatibilities
from shared.events.registry import EVENTS
from shared.events.topics import TOPICS
from shared.examples import describe

FOLDER = Path(__file__).parent / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _PlainSchemas(GenerateJsonSchema):
    """Generates schemas without titles that only repeat a member's name, and with members required that always
    exist."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:  # noqa: ANN401 - pydantic's own signature
        # An event gets its id when it is created, so a reader always finds it.
        return field["schema"].get("default_factory") is uuid7 or super().field_is_required(field, total)


def type_of(model: type[Any]) -> str:
    """Return the CloudEvents type of an event or intake record."""
    return f"penchant.{model.name}.v{model.version}"


def is_published(model: type[Any]) -> bool:
    """Return whether Penchant writes it and others read it; for intake records it is the other way round."""
    return TOPICS[model.topic].kind != "intake"


def schema_of(model: type[Any]) -> JsonSchemaValue:
    """Return the JSON Schema of a model's values."""
    schema = TypeAdapter(model).json_schema(schema_generator=_PlainSchemas)
    describe(schema)
    return {"$schema": DIALECT, "$id": f"urn:{type_of(model).replace('.', ':')}", **schema}


def schemas_of(models: Mapping[str, type[Any]], ref_template: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schemas of several models by name, and those of the parts that they share."""
    mode: JsonSchemaMode = "validation"
    inputs = [(name, mode, TypeAdapter(model)) for name, model in models.items()]
    schemas, definitions = TypeAdapter.json_schemas(inputs, ref_template=ref_template, schema_generator=_PlainSchemas)
    describe(schemas)
    describe(definitions)
    return {name: schema for (name, _), schema in schemas.items()}, definitions.get("$defs", {})


def text_of(document: Mapping[str, Any]) -> str:
    """Return a document as the text of its file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def differences(folder: Path = FOLDER) -> Iterator[tuple[Path, str, list[Incompatibility]]]:
    """Yield the files that are missing or outdated: path, expected text, and incompatible changes."""
    for model in EVENTS:
        expected = schema_of(model)
        path = folder / f"{type_of(model)}.json"
        if not path.exists():
            yield path, text_of(expected), []
            continue
        released = path.read_text()
        if released != text_of(expected):
            old = json.loads(released)
            yield path, text_of(expected), incompatibilities(old, expected, published=is_published(model))


def orphans(folder: Path = FOLDER) -> list[str]:
    """Return released types that can no longer be read: the event was removed, or that version has no upcast."""
    unreadable = []
    for path in sorted(folder.glob("*.json")):
        _, name, version = path.stem.split(".")
        model = EVENTS.model(name)
        number = int(version.removeprefix("v"))
        if model is None or number > model.version or EVENTS.steps(name, number) is None:
            unreadable.append(path.stem)
    return unreadable
