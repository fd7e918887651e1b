"""JSON Schemas of the headers that records have on Kafka: CloudEvents 1.0, binary content mode, and our own."""

from typing import Any


def header_schemas() -> dict[str, Any]:
    """Return the schemas by name: of our events, of tombstones, of intake records and of dead letters."""
    envelope = {
        "ce_specversion": {"const": "1.0", "description": "The version of CloudEvents."},
        "ce_id": _text("A UUIDv7; the `event_id` of the value.", "0190d501-1a2b-7c3d-8e4f-5a6b7c8d9e0f", minLength=1),
        "ce_source": _text("Who wrote it.", "/labeling", minLength=1),
        "ce_type": _text("The name of the message.", "penchant.ContactClicked.v1"),
        "ce_time": _text("When it happened, in UTC.", "2026-03-01T12:00:00Z", format="date-time"),
        "content-type": {"const": "application/json", "description": "The media type of the value."},
    }
    tracing = {
        "ce_correlationid": _text("The request or record at the start of the chain of causes."),
        "ce_causationid": _text("The `ce_id` of the record that caused this one."),
        "traceparent": _text("W3C trace context, while tracing is on."),
    }
    ours = {
        "ce_sequence": _text(
            "Increases within a partition. Skip a record at or below the highest one that was read before.",
            "00000000000000170322",
            pattern="^[0-9]{20}$",
        ),
        "ce_after": _text(
            "`topic=sequence,…`: the highest sequences of the partition number that its writer had read or written.",
            pattern="^[a-z.]+=[0-9]+(,[a-z.]+=[0-9]+)*$",
        ),
    }
    dead = {
        "dead_reason": _text("Why it could not be used: `kind: detail`.", "undecodable: is not JSON"),
        "dead_topic": _text("The topic on which it came.", "intake.clicks"),
        "dead_partition": _text("Its partition there.", "4"),
        "dead_offset": _text("Its offset there.", "170322"),
        "dead_service": _text("The service that could not use it.", "tracking"),
    }
    identity = ["ce_specversion", "ce_id", "ce_source"]
    always = [*identity, "ce_type", "ce_time", "content-type"]
    reported = {
        **envelope,
        "ce_id": _text("Unique for its source: a repeated id is the same report.", "click-1", minLength=1),
        "ce_source": _text("Who wrote it.", "/web-shop", minLength=1),
    }
    return {
        "Headers": _headers({**envelope, **ours, **tracing}, [*always, "ce_sequence"]),
        "TombstoneHeaders": _headers({**envelope, **ours, **tracing}, [*identity, "ce_sequence"]),
        "IntakeHeaders": _headers({**reported, **tracing}, [*identity, "ce_type"]),
        "DeadHeaders": _headers(dead, list(dead)),
    }


def _headers(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


def _text(description: str, example: str | None = None, **limits: object) -> dict[str, Any]:
    schema = {"type": "string", **limits, "description": description}
    return schema if example is None else {**schema, "examples": [example]}
