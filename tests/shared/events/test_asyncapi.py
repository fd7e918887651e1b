"""The AsyncAPI document is valid, current, and describes all topics and messages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema

from shared.events.asyncapi import document
from shared.events.codec import headers_of
from shared.events.documents import asyncapi_text
from shared.events.registry import EVENTS
from shared.events.topics import TOPICS
from tests.shared.events.examples import NOON

FILE = Path(__file__).parents[3] / "docs" / "asyncapi.yaml"


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolved(root: dict[str, Any], reference: str) -> object:
    node: Any = root
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def standalone_schema(name: str) -> dict[str, Any]:
    components = document()["components"]
    return {"$ref": f"#/components/schemas/{name}", "components": {"schemas": components["schemas"]}}


def test_the_file_is_current() -> None:
    assert FILE.read_text() == asyncapi_text(), "run `make docs`"


def test_the_document_is_asyncapi_3() -> None:
    ApplicationSchema.model_validate(yaml.safe_load(FILE.read_text()))


def test_every_reference_can_be_resolved() -> None:
    root = document()
    names = list(references(root))

    assert len(names) > 80
    for name in names:
        assert resolved(root, name) is not None


def test_every_schema_is_a_valid_json_schema() -> None:
    for name in document()["components"]["schemas"]:
        jsonschema_rs.meta.validate(standalone_schema(name))


def test_every_topic_has_a_channel_with_all_its_messages() -> None:
    channels = document()["channels"]

    assert channels.keys() == TOPICS.keys()
    for model in EVENTS:
        assert model.name in channels[model.topic]["messages"]
    assert "Tombstone" in channels["labeling.contacts"]["messages"]
    assert list(channels["intake.clicks.dead"]["messages"]) == ["DeadClickReported"]


@pytest.mark.parametrize(
    ("topic", "retention"),
    [
        ("labeling.labels", "kept forever"),
        ("labeling.messages", "kept for 7 days"),
        ("labeling.contacts", "newest record of each key is kept"),
        ("tracking.catalog", "newest record of each key is kept"),
        ("intake.clicks", "kept for 7 days"),
        ("intake.clicks.dead", "kept for 14 days"),
    ],
)
def test_every_channel_describes_its_retention(topic: str, retention: str) -> None:
    assert retention in document()["channels"][topic]["description"]


def test_intake_topics_are_received_and_the_other_topics_are_sent() -> None:
    operations = document()["operations"]

    received = {operation["channel"]["$ref"] for operation in operations.values() if operation["action"] == "receive"}
    assert received == {"#/channels/intake.clicks", "#/channels/intake.engagements"}
    assert len(operations) == len(TOPICS)


def test_written_headers_match_the_documented_schema() -> None:
    headers = headers_of("t", "id", "/s", NOON, 5, {"a.b": 1, "c.d": 2}, "x", "y", "z")

    jsonschema_rs.validate(standalone_schema("Headers"), {name: value.decode() for name, value in headers})


def test_channels_have_the_configured_number_of_partitions() -> None:
    channels = document(partitions=24)["channels"]

    assert channels["tracking.clicks"]["bindings"]["kafka"]["partitions"] == 24
    assert channels["labeling.catalog"]["bindings"]["kafka"]["partitions"] == 1
    assert channels["intake.clicks.dead"]["bindings"]["kafka"]["partitions"] == 1
