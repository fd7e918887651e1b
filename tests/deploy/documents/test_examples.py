"""Every operation and message has an example, every property has a description, and the examples are valid."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import yaml
from fastapi.routing import APIRoute

from deploy.documents.openapi import SERVICES, openapi_text
from shared.events.documents import asyncapi_text
from shared.examples import described
from shared.http.batches import RefusedItem


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def bodies(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the content of the request and of each successful answer; an empty one if it has no body."""
    parts = {"request": operation["requestBody"]} if "requestBody" in operation else {}
    parts |= {status: answer for status, answer in operation["responses"].items() if status in ("200", "201", "202")}
    for what, part in parts.items():
        for media_type, content in (part.get("content") or {"no body": {}}).items():
            yield f"{what} {media_type}", content


def undescribed(node: object, schemas: dict[str, Any], pointer: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            # An example may have members of any name.
            if key not in ("example", "examples"):
                yield from undescribed(value, schemas, f"{pointer}/{key}")
        properties = node.get("properties")
        if isinstance(properties, dict):
            yield from (f"{pointer}/{name}" for name, schema in properties.items() if not described(schema, schemas))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from undescribed(value, schemas, f"{pointer}/{index}")


@pytest.fixture(scope="module", params=SERVICES)
def openapi(request: pytest.FixtureRequest) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(openapi_text(request.param))
    return document


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(asyncapi_text())
    return document


def test_every_property_of_the_apis_is_described(openapi: dict[str, Any]) -> None:
    assert list(undescribed(openapi, openapi["components"]["schemas"])) == []


def test_every_property_of_the_events_is_described(asyncapi: dict[str, Any]) -> None:
    assert list(undescribed(asyncapi, asyncapi["components"]["schemas"])) == []


def test_every_operation_has_an_example_of_its_request_and_its_answer(openapi: dict[str, Any]) -> None:
    missing = [
        f"{method} {path} {what}"
        for method, path, operation in operations(openapi)
        for what, content in bodies(operation)
        if content.get("example") in (None, {}, [])
    ]
    assert missing == []


def test_every_example_follows_its_schema(openapi: dict[str, Any]) -> None:
    for method, path, operation in operations(openapi):
        for what, content in bodies(operation):
            schema = {**content["schema"], "components": openapi["components"]}
            try:
                jsonschema_rs.validate(schema, content["example"])
            except jsonschema_rs.ValidationError as error:
                pytest.fail(f"{method} {path} {what}: {error}")


def test_every_message_has_an_example_that_follows_its_schemas(asyncapi: dict[str, Any]) -> None:
    for name, message in asyncapi["components"]["messages"].items():
        (example,) = message["examples"]
        for part in ("headers", "payload"):
            try:
                jsonschema_rs.validate({**message[part], "components": asyncapi["components"]}, example[part])
            except jsonschema_rs.ValidationError as error:
                pytest.fail(f"{name} {part}: {error}")


@pytest.mark.parametrize("name", SERVICES)
def test_the_service_accepts_every_example_of_a_request(name: str) -> None:
    document = json.loads(openapi_text(name))
    tried = 0
    for router in SERVICES[name][1]:
        for route in router.routes:
            if not isinstance(route, APIRoute) or not route.methods or route.body_field is None:
                continue
            (method,) = route.methods
            content = document["paths"][route.path][method.lower()]["requestBody"]["content"]
            value, errors = route.body_field.validate(content["application/json"]["example"], {}, loc=("body",))
            assert not errors, f"{method} {route.path}: {errors}"
            refused = [item for item in (value if isinstance(value, list) else []) if isinstance(item, RefusedItem)]
            assert not refused, f"{method} {route.path}: {refused}"
            tried += 1
    assert tried > 0
