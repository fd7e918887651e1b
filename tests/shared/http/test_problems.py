"""Every error is answered by a problem document with a pointer to the invalid part."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import Request

from shared.http.keys import Caller, requires
from shared.http.problems import in_use, problem_response
from shared.http.routing import Router
from shared.store.errors import EventTooLarge
from shared.uses import InUseError, Use
from tests.shared.http.serving import Keys, make_app, serving

JSON = {"content-type": "application/json"}


def problem(response: httpx.Response, status: int) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["request_id"]
    return body


def pointers(response: httpx.Response) -> list[str]:
    return [error["pointer"] for error in response.json()["errors"]]


@pytest.mark.asyncio
async def test_unknown_paths_and_methods_get_a_problem() -> None:
    keys = Keys()
    async with serving(make_app(keys), key=keys.make("admin")) as client:
        problem(await client.get("/nothing"), 404)
        answer = await client.delete("/v1/things")
        problem(answer, 405)
        assert answer.headers["allow"] == "GET, POST, HEAD, OPTIONS"


@pytest.mark.asyncio
async def test_bodies_that_are_not_json_too_large_or_of_another_type_are_rejected() -> None:
    keys = Keys()
    async with serving(make_app(keys, max_body_bytes=1000), key=keys.make("admin")) as client:
        for body in (b"", b"{", b"\xff", b"NaN", b"[" * 900):
            problem(await client.post("/v1/things", content=body, headers=JSON), 400)
        problem(await client.post("/v1/things", content=b"{}", headers={"content-type": "text/plain"}), 415)
        problem(await client.post("/v1/things", content=b"{}"), 415)
        compressed = {**JSON, "content-encoding": "gzip"}
        problem(await client.post("/v1/things", content=b"{}", headers=compressed), 415)
        problem(await client.post("/v1/things", content=b" " * 1001, headers=JSON), 413)

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(30):
                yield b" " * 100  # no content-length: the limit counts the received bytes

        problem(await client.post("/v1/things", content=pieces(), headers=JSON), 413)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, ["/name"]),
        ({"name": "a", "colour": 1}, ["/colour"]),
        ({"name": "", "parts": [{"size": 1}, {"size": "1"}, {}]}, ["/name", "/parts/1/size", "/parts/2/size"]),
        ({"name": "a", "parts": [{"size": 2**31}]}, ["/parts/0/size"]),
        ({"name": "a", "parts": [{"size": 10**30}]}, ["/parts/0/size"]),
        ({"name": "a", "parts": [{"size": 2.0}, {"size": 2.5}, {"size": True}]}, ["/parts/1/size", "/parts/2/size"]),
        ({"name": "a", "is_good": 1}, ["/is_good"]),
        ({"name": "a", "is_good": "yes"}, ["/is_good"]),
        ({"name": "a", "at": 5}, ["/at"]),
        ({"name": "a", "at": "5"}, ["/at"]),
        ({"name": "a\0b"}, ["/name"]),
        ({"name": "a", "x/~y\0": 1}, ["/x~1~0y\0"]),
        ({"name": "\ud800"}, ["/name"]),
        (["name"], [""]),
        (None, [""]),
    ],
)
async def test_errors_point_to_the_invalid_members(body: object, found: list[str]) -> None:
    keys = Keys()
    async with serving(make_app(keys), key=keys.make("write")) as client:
        answer = await client.post("/v1/things", content=json.dumps(body), headers=JSON)
        problem(answer, 422)
        assert pointers(answer) == found


@pytest.mark.asyncio
async def test_errors_point_to_invalid_path_and_query_parameters() -> None:
    keys = Keys()
    async with serving(make_app(keys), key=keys.make("read")) as client:
        for url, pointer in {
            "/v1/things?limit=0": "/query/limit",
            "/v1/things?limit=1001": "/query/limit",
            "/v1/things?limit=x": "/query/limit",
            "/v1/things?contains=%00": "/query/contains",
            "/v1/things?cursor=%00": "/query/cursor",
            "/v1/things/none": "/path/thing_id",
            "/v1/contacts/0": "/path/contact_id",
            f"/v1/contacts/{2**40}": "/path/contact_id",
            "/v1/contacts/%00": "/path/contact_id",
        }.items():
            answer = await client.get(url)
            problem(answer, 422)
            assert pointers(answer) == [pointer], url


@pytest.mark.asyncio
async def test_store_errors_get_retry_after_and_bugs_reveal_no_details() -> None:
    router = Router()
    errors = {
        "connection": asyncpg.ConnectionDoesNotExistError("gone"),
        "lock": asyncpg.LockNotAvailableError("canceling statement due to lock timeout"),
        "pool": TimeoutError(),
        "refused": ConnectionRefusedError(),
        "value": asyncpg.DataError("invalid byte sequence"),
        "large": EventTooLarge("ContactChanged has 1000000 bytes; the limit is 900000"),
        "bug": KeyError("secret of jane@example.com"),
    }

    @router.get("/fail/{name}")
    async def fail(name: str) -> None:
        raise errors[name]

    app = make_app()
    app.include_router(router)
    async with serving(app) as client:
        for name in ("connection", "lock", "pool", "refused"):
            answer = await client.get(f"/fail/{name}")
            problem(answer, 503)
            assert int(answer.headers["retry-after"]) > 0
        problem(await client.get("/fail/value"), 422)
        assert "the limit is 900000" in str(problem(await client.get("/fail/large"), 422)["detail"])
        answer = await client.get("/fail/bug")
        problem(answer, 500)
        assert "jane" not in answer.text


@pytest.mark.asyncio
async def test_an_endpoint_that_reads_the_request_itself_has_the_same_limits() -> None:
    router = Router()

    @router.post("/v1/reports")
    async def report(request: Request, caller: Annotated[Caller, requires("write")]) -> int:
        return len(await request.json())

    keys = Keys()
    app = make_app(keys, max_body_bytes=100)
    app.include_router(router)
    async with serving(app, key=keys.make("write")) as client:
        assert (await client.post("/v1/reports", json=[1, 2])).json() == 2
        problem(await client.post("/v1/reports", json=["\0"]), 422)
        problem(await client.post("/v1/reports", content=b"[", headers=JSON), 400)
        problem(await client.post("/v1/reports", json=[1] * 100), 413)


@pytest.mark.asyncio
async def test_head_has_no_body_and_options_lists_the_methods() -> None:
    keys = Keys()
    async with serving(make_app(keys), key=keys.make("read")) as client:
        got, head = await client.get("/v1/things"), await client.head("/v1/things")
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["content-length"] == got.headers["content-length"]
        assert (await client.head("/v1/stream")).status_code == 200
        options = await client.options("/v1/things")
        assert options.status_code == 204
        assert options.headers["allow"] == "GET, POST, HEAD, OPTIONS"


@pytest.mark.asyncio
async def test_a_request_id_is_echoed_and_an_unusable_one_is_replaced() -> None:
    async with serving(make_app()) as client:
        given = str(uuid4())
        answer = await client.get("/nothing", headers={"X-Request-Id": given})
        assert answer.headers["x-request-id"] == given
        assert answer.json()["request_id"] == given
        for unusable in ("a b", "x" * 200, "<b>"):
            made = await client.get("/nothing", headers={"X-Request-Id": unusable})
            assert made.headers["x-request-id"] == made.json()["request_id"]
        text = await client.get("/nothing", headers={"X-Request-Id": "order-5"})
        assert text.headers["x-request-id"] == "order-5"


def test_an_endpoint_of_a_plain_router_is_rejected() -> None:
    from fastapi import APIRouter

    router = APIRouter()

    @router.get("/x")
    async def x() -> None:
        await asyncio.sleep(0)

    with pytest.raises(TypeError, match="/x"):
        make_app().include_router(router)


def test_the_problem_of_an_object_in_use_lists_its_uses() -> None:
    answer = in_use(InUseError("label", [Use("segment", "s1", "Dog lovers")]))
    body = json.loads(bytes(problem_response(answer).body))
    assert (answer.status, body["uses"]) == (409, [{"kind": "segment", "id": "s1", "name": "Dog lovers"}])
    assert "force=true" in body["detail"]
