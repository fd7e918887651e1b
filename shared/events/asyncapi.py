"""One AsyncAPI 3 document for all topics, generated from the registry of events and the registry of topics."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.events.header_schemas import header_schemas
from shared.events.json_schema import schemas_of, type_of
from shared.events.registry import EVENTS
from shared.events.topics import DAY_MS, TOPICS, Topic
from shared.examples import example_of

BINDING = "0.5.0"
REFERENCE = "#/components/schemas/{model}"

ANY_BYTES = {"description": "Any bytes.", "examples": ["{"]}
_KIND_DESCRIPTIONS = {
    "contact": "Keyed `account:contact`; partition `(account_id + contact_id) % partitions`, the same in every contact "
    "topic. Ordered per contact.",
    "catalog": "Keyed `type:id`. Each record is the whole state of one object. One partition.",
    "intake": "Written by others, with any partitioner and any key. The account, `ce_source` and `ce_id` identify a "
    "record: a second record with the same three is ignored.",
    "dead": "Records that could not be used: key, value and headers unchanged, with the reason in `dead_*` headers.",
}


def document(partitions: int = 12) -> dict[str, Any]:
    """Return the AsyncAPI document; `partitions` is the number for contact and intake topics."""
    schemas, parts = schemas_of({model.name: model for model in EVENTS}, REFERENCE)
    every_schema = {**header_schemas(), **schemas, **parts, "Nothing": {"type": "null"}, "Anything": ANY_BYTES}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Penchant",
            "version": "1.0.0",
            "description": "What Penchant publishes to Kafka and what it consumes from it. CloudEvents 1.0, binary "
            "content mode. Readers skip unknown members, and records whose `ce_sequence` is not above the highest one "
            "seen in that partition.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(topic, partitions) for name, topic in TOPICS.items()},
        "operations": {_operation_name(topic): _operation(topic) for topic in TOPICS.values()},
        "components": {
            "messages": dict(_messages(every_schema)),
            "schemas": every_schema,
        },
    }


def _channel(topic: Topic, partitions: int) -> dict[str, Any]:
    names = [f"Dead{model.name}" for model in EVENTS if _dead_topic(model) == topic.name]
    names += [model.name for model in EVENTS.carried() if model.topic == topic.name]
    if topic.compacted and topic.kind == "contact":
        names.append("Tombstone")
    return {
        "address": topic.name,
        "description": f"{_KIND_DESCRIPTIONS[topic.kind]} {_retention(topic)}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": partitions if topic.kind in ("contact", "intake") else 1,
                "topicConfiguration": _configuration(topic),
                "bindingVersion": BINDING,
            }
        },
    }


def _retention(topic: Topic) -> str:
    settings = topic.settings()
    if settings["cleanup.policy"] == "compact":
        return "Compacted: the newest record of each key is kept."
    milliseconds = int(settings["retention.ms"])
    return "Records are kept forever." if milliseconds < 0 else f"Records are kept for {milliseconds // DAY_MS} days."


def _configuration(topic: Topic) -> dict[str, Any]:
    # The binding allows only these settings, and requires numbers for numeric ones.
    settings = topic.settings()
    allowed: dict[str, Any] = {"cleanup.policy": [settings["cleanup.policy"]]}
    for name in ("retention.ms", "retention.bytes", "delete.retention.ms"):
        if name in settings:
            allowed[name] = int(settings[name])
    return allowed


def _operation_name(topic: Topic) -> str:
    verb = "take" if topic.kind == "intake" else "publish"
    return verb + "".join(part.capitalize() for part in topic.name.split("."))


def _operation(topic: Topic) -> dict[str, Any]:
    is_intake = topic.kind == "intake"
    return {
        "action": "receive" if is_intake else "send",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"Penchant reads `{topic.name}`." if is_intake else f"Only `{topic.writer}` writes `{topic.name}`.",
    }


def _messages(schemas: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for model in EVENTS:
        yield model.name, _with_example(_message(model), schemas, TOPICS[model.topic])
    for model in EVENTS:
        if _dead_topic(model) in TOPICS:
            yield f"Dead{model.name}", _with_example(_dead_message(model), schemas, TOPICS[model.topic])
    yield "Tombstone", _with_example(_tombstone(), schemas, TOPICS["labeling.contacts"])


def _with_example(message: dict[str, Any], schemas: Mapping[str, Any], topic: Topic) -> dict[str, Any]:
    """Return the message with an example composed from its schemas; headers and payload match."""
    headers, payload = example_of(message["headers"], schemas), example_of(message["payload"], schemas)
    if "ce_type" in headers:
        headers["ce_type"] = message["name"]
    if "dead_topic" in headers:
        headers["dead_topic"] = topic.name
    if isinstance(payload, dict) and "event_id" in payload:
        headers |= {"ce_id": payload["event_id"], "ce_time": payload["occurred_at"], "ce_source": f"/{topic.writer}"}
    return {**message, "examples": [{"headers": headers, "payload": payload}]}


def _message(model: type[Any]) -> dict[str, Any]:
    topic = TOPICS[model.topic]
    return {
        "name": type_of(model),
        "title": model.name,
        "summary": (model.__doc__ or "").strip().split("\n")[0],
        "contentType": "application/json",
        "headers": {"$ref": f"#/components/schemas/{'IntakeHeaders' if topic.kind == 'intake' else 'Headers'}"},
        "payload": {"$ref": REFERENCE.format(model=model.name)},
        "bindings": {"kafka": {"key": _key(topic), "bindingVersion": BINDING}},
    }


def _dead_message(model: type[Any]) -> dict[str, Any]:
    return {
        **_message(model),
        "title": f"Dead {model.name}",
        "summary": "A record that could not be used, usually because its value does not match the schema.",
        "headers": {"$ref": "#/components/schemas/DeadHeaders"},
        "payload": {"$ref": "#/components/schemas/Anything"},
    }


def _tombstone() -> dict[str, Any]:
    return {
        "name": "penchant.Tombstone.v1",
        "title": "Tombstone",
        "summary": "No value: the contact of this key was erased.",
        "headers": {"$ref": "#/components/schemas/TombstoneHeaders"},
        "payload": {"$ref": "#/components/schemas/Nothing"},
        "bindings": {"kafka": {"key": _key(TOPICS["labeling.contacts"]), "bindingVersion": BINDING}},
    }


def _dead_topic(model: type[Any]) -> str:
    return f"{model.topic}.dead"


def _key(topic: Topic) -> dict[str, Any]:
    if topic.kind == "contact":
        return {"type": "string", "pattern": "^[0-9]+:[0-9]+$", "description": "account:contact"}
    if topic.kind == "catalog":
        return {"type": "string", "pattern": "^[a-z]+:.+$", "description": "type:id"}
    return {"type": "string", "description": "anything"}
