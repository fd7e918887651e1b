"""One AsyncAPI 3 document for all topics, from the registry and the topics."""

from typing import Any

from shared.events.json_schema import schemas_of, type_of
from shared.events.registry import EVENTS
from shared.events.topics import TOPICS, Topic

BINDING = "0.5.0"
REFERENCE = "#/components/schemas/{model}"

_DEAD_HEADERS = {
    "dead_reason": "why it could not be used: `kind: detail`",
    "dead_topic": "the topic on which it came",
    "dead_partition": "its partition there",
    "dead_offset": "its offset there",
    "dead_service": "the service that could not use it",
}
_ABOUT = {
    "contact": "Keyed `account:contact`; partition `(account_id + contact_id) % partitions`, the same in every contact "
    "topic. Ordered per contact. Kept for ever.",
    "catalog": "Keyed `type:id`; each record is the whole state of a thing. One partition, compacted.",
    "intake": "Others write it, with any partitioner and any key. Kept 7 days. The account, `ce_source` and `ce_id` "
    "make a record unique: the same again is the same.",
    "dead": "Records that could not be used, key, value and headers unchanged, with the reason in `dead_*` headers. "
    "Kept 14 days.",
}


def document(partitions: int = 12) -> dict[str, Any]:
    """Return the AsyncAPI document; `partitions` is the number for contact and intake topics."""
    schemas, parts = schemas_of({model.name: model for model in EVENTS}, REFERENCE)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Penchant",
            "version": "1.0.0",
            "description": "What Penchant publishes to Kafka and what it takes from there. CloudEvents 1.0, binary "
            "content mode. Readers pass over unknown members, and over records whose `ce_sequence` is not above the "
            "highest one seen in that partition.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(topic, partitions) for name, topic in TOPICS.items()},
        "operations": {_operation_name(topic): _operation(topic) for topic in TOPICS.values()},
        "components": {
            "messages": {
                **{model.name: _message(model) for model in EVENTS},
                **{f"Dead{model.name}": _dead_message(model) for model in EVENTS if _dead_topic(model) in TOPICS},
                "Tombstone": _tombstone(),
            },
            "schemas": {
                **_header_schemas(),
                **schemas,
                **parts,
                "Nothing": {"type": "null"},
                "Anything": {"description": "any bytes"},
            },
        },
    }


def _channel(topic: Topic, partitions: int) -> dict[str, Any]:
    names = [f"Dead{model.name}" for model in EVENTS if _dead_topic(model) == topic.name]
    names += [model.name for model in EVENTS.carried() if model.topic == topic.name]
    if topic.compacted and topic.kind == "contact":
        names.append("Tombstone")
    return {
        "address": topic.name,
        "description": _ABOUT[topic.kind] + (" Compacted." if topic.compacted and topic.kind == "contact" else ""),
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


def _configuration(topic: Topic) -> dict[str, Any]:
    # The binding knows these settings only, with numbers as numbers.
    settings = topic.settings()
    known: dict[str, Any] = {"cleanup.policy": [settings["cleanup.policy"]]}
    for name in ("retention.ms", "retention.bytes", "delete.retention.ms"):
        if name in settings:
            known[name] = int(settings[name])
    return known


def _operation_name(topic: Topic) -> str:
    verb = "take" if topic.kind == "intake" else "publish"
    return verb + "".join(part.capitalize() for part in topic.name.split("."))


def _operation(topic: Topic) -> dict[str, Any]:
    taken = topic.kind == "intake"
    return {
        "action": "receive" if taken else "send",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"Penchant reads `{topic.name}`." if taken else f"`{topic.writer}` alone writes `{topic.name}`.",
    }


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
        "summary": "A record that could not be used. Most often its value is not what the schema says.",
        "headers": {"$ref": "#/components/schemas/DeadHeaders"},
        "payload": {"$ref": "#/components/schemas/Anything"},
    }


def _tombstone() -> dict[str, Any]:
    return {
        "name": "tombstone",
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


def _header_schemas() -> dict[str, Any]:
    envelope = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "minLength": 1, "description": "UUIDv7; the `event_id` of the value"},
        "ce_source": {"type": "string", "minLength": 1, "description": "who wrote it: `/tracking`"},
        "ce_type": {"type": "string", "description": "the message's name, as `penchant.ContactClicked.v1`"},
        "ce_time": {"type": "string", "format": "date-time", "description": "when it happened, UTC"},
        "content-type": {"const": "application/json"},
    }
    tracing = {
        "ce_correlationid": {"type": "string", "description": "the request or record that started it all"},
        "ce_causationid": {"type": "string", "description": "the `ce_id` of the record that it follows from"},
        "traceparent": {"type": "string", "description": "W3C trace context, while tracing is on"},
    }
    ours = {
        "ce_sequence": {
            "type": "string",
            "pattern": "^[0-9]{20}$",
            "description": "ascending within a partition; at or below the highest one seen means already seen",
        },
        "ce_after": {
            "type": "string",
            "pattern": "^[a-z.]+=[0-9]+(,[a-z.]+=[0-9]+)*$",
            "description": "`topic=sequence,…`: what its writer had read of the same partition number",
        },
    }
    dead = {name: {"type": "string", "description": about} for name, about in _DEAD_HEADERS.items()}
    identity = ["ce_specversion", "ce_id", "ce_source"]
    always = [*identity, "ce_type", "ce_time", "content-type"]
    reported = {**envelope, "ce_id": {"type": "string", "minLength": 1, "description": "unique for its source"}}
    return {
        "Headers": _headers({**envelope, **ours, **tracing}, [*always, "ce_sequence"]),
        "TombstoneHeaders": _headers({**envelope, **ours, **tracing}, [*identity, "ce_sequence"]),
        "IntakeHeaders": _headers({**reported, **tracing}, [*identity, "ce_type"]),
        "DeadHeaders": _headers(dead, list(dead)),
    }


def _headers(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}
