"""Every request is logged and measured, without personal data."""

import io
import json
from typing import Annotated
from uuid import UUID, uuid4

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.correlation import correlation_id
from shared.http.health import Check
from shared.http.keys import Caller, requires
from shared.http.routing import Router
from shared.store.database import Database
from shared.tracing import configure_tracing, current_traceparent, stop_tracing
from tests.shared.http.serving import Keys, make_app, serving

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.asyncio
async def test_each_request_is_logged_with_route_and_account_but_no_address(logged: io.StringIO) -> None:
    keys = Keys()
    given = str(uuid4())
    async with serving(make_app(keys), key=keys.make("read")) as client:
        await client.get("/v1/contacts/77?email=jane@example.com", headers={"X-Request-Id": given})
        await client.get("/v1/jane@example.com?email=jane%40example.com")
        await client.get("/health/live")
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [(line["route"], line["status"]) for line in lines] == [("/v1/contacts/{contact_id}", 200), ("none", 404)]
    assert lines[0]["correlation_id"] == given
    assert lines[0]["account_id"] == 1
    assert lines[0]["service"] == "test"
    assert "jane" not in logged.getvalue()
    assert "pk_" not in logged.getvalue()


@pytest.mark.asyncio
async def test_an_exception_is_logged_once_without_personal_data(logged: io.StringIO) -> None:
    router = Router()

    @router.get("/fail")
    async def fail() -> None:
        raise LookupError("no contact jane@example.com with postgresql://penchant:secret@db/x")

    app = make_app()
    app.include_router(router)
    async with serving(app) as client:
        await client.get("/fail")
    failure, request = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert failure["error"].startswith("LookupError: no contact <address>")
    assert "test_context.py" in failure["frames"][-1]
    assert failure["correlation_id"] == request["correlation_id"]
    assert "jane" not in logged.getvalue()
    assert "secret" not in logged.getvalue()


@pytest.mark.asyncio
async def test_metrics_name_the_template_of_the_route() -> None:
    keys = Keys()
    async with serving(make_app(keys), key=keys.make("read")) as client:
        for contact_id in range(1, 4):
            await client.get(f"/v1/contacts/{contact_id}")
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    counted = 'penchant_http_request_seconds_count{method="GET",route="/v1/contacts/{contact_id}",status="200"}'
    assert counted in answer.text
    assert "process_resident_memory_bytes" in answer.text


@pytest.mark.asyncio
async def test_the_request_id_is_the_correlation_id_and_the_trace_continues() -> None:
    router = Router()

    @router.get("/ids")
    async def ids(caller: Annotated[Caller, requires("read")]) -> list[str | None]:
        return [str(correlation_id.get()), current_traceparent()]

    keys = Keys()
    app = make_app(keys)
    app.include_router(router)
    exporter = InMemorySpanExporter()
    given = str(uuid4())
    async with serving(app, key=keys.make("read")) as client:
        assert (await client.get("/ids")).json()[1] is None
        configure_tracing("test", None, exporter)
        answer = await client.get("/ids", headers={"X-Request-Id": given, "traceparent": TRACEPARENT})
        stop_tracing()
        named = await client.get("/ids", headers={"X-Request-Id": "order-5"})
    assert answer.json()[0] == given
    assert answer.json()[1].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert UUID(named.json()[0]).version == 5
    assert [span.name for span in exporter.get_finished_spans()] == ["GET request"]


@pytest.mark.asyncio
async def test_readiness_names_the_failed_checks(database: Database) -> None:
    async def passes() -> str | None:
        return None

    async def fails() -> str | None:
        return "the topics have 3 partitions, not 12"

    async def raises() -> str | None:
        raise KeyError

    async with serving(make_app(database=database, checks=[Check("kafka", passes)])) as client:
        ready = await client.get("/health/ready")
        assert ready.status_code == 200
        assert [check["name"] for check in ready.json()["checks"]] == ["kafka", "database"]
    checks = [Check("kafka", fails), Check("catalog", raises)]
    async with serving(make_app(database=database, checks=checks)) as client:
        unready = await client.get("/health/ready")
        assert unready.status_code == 503
        assert unready.json()["detail"] == "kafka: the topics have 3 partitions, not 12; catalog: KeyError"
        assert (await client.get("/health/live")).json() == {"status": "alive"}
        database.pool.terminate()
        assert "database: PostgreSQL does not answer" in (await client.get("/health/ready")).text
