"""docs/reference/events.md: every topic, the events on it, and their properties."""

from collections.abc import Mapping
from typing import Any

from shared.events.asyncapi import document

_HEAD = """\
# Events

Events are CloudEvents 1.0 in binary content mode: the value of a record is JSON, and the headers describe it. A
consumer skips members that it does not know, and records whose `ce_sequence` is not above the highest one that it has
seen in that partition. [asyncapi.yaml](../asyncapi.yaml) describes the same for programs, with an example of each
event. The JSON Schemas are in `shared/events/schemas` of the repository.

Optional properties are marked with *.
"""
_TOPICS = "## Topics\n\n| topic | events | key, order and retention |\n|---|---|---|\n"
_PROPERTIES = "| property | type | meaning |\n|---|---|---|\n"
_WITHOUT_PROPERTIES = ("Anything", "Nothing")

Schemas = Mapping[str, Mapping[str, Any]]


def events_text() -> str:
    """Return the page: the topics, and a table of properties for each event and for each object in an event."""
    asyncapi = document()
    schemas: Schemas = asyncapi["components"]["schemas"]
    messages = asyncapi["components"]["messages"]
    parts = [
        _HEAD,
        _topics(asyncapi["channels"]),
        *(_message(name, message, schemas) for name, message in messages.items()),
        *(
            _object(name, schema)
            for name, schema in schemas.items()
            if name not in messages and name not in _WITHOUT_PROPERTIES
        ),
    ]
    return "\n".join(parts)


def _topics(channels: Mapping[str, Any]) -> str:
    rows = (
        f"| `{name}` | {', '.join(_link(one) for one in channel['messages'])} | {channel['description']} |\n"
        for name, channel in channels.items()
    )
    return _TOPICS + "".join(rows)


def _message(name: str, message: Mapping[str, Any], schemas: Schemas) -> str:
    headers, payload = (message[part]["$ref"].rpartition("/")[2] for part in ("headers", "payload"))
    text = (
        f"## {name}\n\n{message['summary']} `ce_type` is `{message['name']}`; {_link(headers)} describes the headers.\n"
    )
    return text if payload in _WITHOUT_PROPERTIES else f"{text}\n{_properties(schemas[payload])}"


def _object(name: str, schema: Mapping[str, Any]) -> str:
    description = f"{schema['description']}\n\n" if "description" in schema else ""
    return f"## {name}\n\n{description}{_properties(schema)}"


def _properties(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = (
        f"| `{name}`{'' if name in required else ' *'} | {_type(value)} | {_one_line(value['description'])} |\n"
        for name, value in schema["properties"].items()
    )
    return _PROPERTIES + "".join(rows)


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    choices = [one for one in schema.get("anyOf", schema.get("oneOf", ())) if one.get("type") != "null"]
    if choices:
        return " or ".join(_type(one) for one in choices)
    if schema.get("type") == "array":
        return f"array of {_type(schema['items'])}"
    return str(schema.get("format") or schema.get("type") or "any JSON value")


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
