"""The server handles tracked links on the fast path and the rest with FastAPI, and disconnects slow clients."""

import asyncio
import contextlib
import io
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi.responses import StreamingResponse

from shared.http import connection
from shared.http import server as server_module
from shared.http.raw import Answer, Proxies, RawHandler, RawRequest
from shared.http.routing import Router
from shared.http.server import PortTakenError, listen, serve
from tests.shared.http.serving import Keys, make_app, serving

LOCATION = ((b"location", b"https://example.com/"),)


def redirect(_request: RawRequest) -> Answer:
    return Answer(302, LOCATION, b"moved")


async def redirect_later(_request: RawRequest) -> Answer:
    await asyncio.sleep(0)
    return Answer(302, LOCATION, b"moved")


def redirect_by_future(_request: RawRequest) -> Awaitable[Answer]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Answer] = loop.create_future()
    loop.call_soon(future.set_result, Answer(302, LOCATION, b"moved"))
    return future


@asynccontextmanager
async def wire(raw: RawHandler = redirect) -> AsyncIterator[Callable[[bytes], Awaitable[bytes]]]:
    """Provide a function that sends bytes on a new connection, and returns all that the server answers."""
    async with serving(make_app(), raw=raw) as client:
        port = client.base_url.port

        async def talk(sent: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            received = b""
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(0.5):
                    while chunk := await reader.read(65536):
                        received += chunk
            writer.close()
            return received

        yield talk


@pytest.mark.asyncio
@pytest.mark.parametrize("raw", [redirect, redirect_later, redirect_by_future])
async def test_a_tracked_link_is_answered_by_a_function_a_coroutine_or_a_future(raw: RawHandler) -> None:
    async with serving(make_app(), raw=raw) as client:
        for _ in range(3):
            answer = await client.get("/c/token.1")
            assert answer.status_code == 302
            assert answer.headers["location"] == "https://example.com/"
            assert answer.headers["date"]
            assert answer.text == "moved"
        head = await client.head("/c/token.1")
        assert head.headers["content-length"] == "5"
        assert head.content == b""
        refused = await client.post("/c/token.1", content=b"x" * 100_000)
        assert refused.status_code == 405
        assert refused.headers["allow"] == "GET, HEAD"
        assert (await client.get("/nothing")).status_code == 404
        assert (await client.get("/c/token.1")).status_code == 302


@pytest.mark.asyncio
async def test_the_handler_gets_method_path_query_headers_and_client() -> None:
    seen: list[RawRequest] = []

    def record(request: RawRequest) -> Answer:
        seen.append(request)
        return Answer(404)

    async with serving(make_app(), raw=record) as client:
        await client.get("/c/to%20ken.1?a=b", headers={"User-Agent": "mozilla", "X-Forwarded-For": "10.1.1.1"})
        await client.send(client.build_request("HEAD", "/c/x"))
    assert seen[0][:3] == ("GET", "/c/to%20ken.1", b"a=b")
    assert seen[0].header(b"user-agent") == "mozilla"
    assert seen[0].header(b"absent") is None
    assert seen[0].client == "127.0.0.1"
    assert seen[1].method == "HEAD"


@pytest.mark.asyncio
async def test_the_client_is_the_last_address_before_the_trusted_proxies() -> None:
    def client_of(request: RawRequest) -> Answer:
        return Answer(200, (), request.client.encode())

    async with serving(make_app(), raw=client_of, trusted_proxies=["127.0.0.1", "10.0.0.0/8"]) as client:
        for forwarded, expected in {
            "203.0.113.9": "203.0.113.9",
            "198.51.100.1, 203.0.113.9, 10.2.3.4": "203.0.113.9",
            "junk": "127.0.0.1",
            "": "127.0.0.1",
        }.items():
            assert (await client.get("/c/x", headers={"X-Forwarded-For": forwarded})).text == expected
    assert Proxies().client("127.0.0.1", [(b"x-forwarded-for", b"203.0.113.9")]) == "127.0.0.1"


@pytest.mark.asyncio
async def test_a_failing_handler_gives_a_500_and_the_server_continues() -> None:
    def fail(_request: RawRequest) -> Answer:
        raise KeyError

    async def fail_later(_request: RawRequest) -> Answer:
        await asyncio.sleep(0)
        raise KeyError

    for handler in (fail, fail_later):
        async with serving(make_app(), raw=handler) as client:
            assert (await client.get("/c/x")).status_code == 500
            assert (await client.get("/nothing")).status_code == 404


@pytest.mark.asyncio
async def test_pipelined_requests_are_answered_in_order() -> None:
    first: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def slow_first(request: RawRequest) -> Answer | Awaitable[Answer]:
        if request.path == "/c/slow":
            asyncio.get_running_loop().call_later(0.1, first.set_result, Answer(302, (), b"one"))
            return first
        return Answer(302, (), b"three")

    get = b"GET %s HTTP/1.1\r\nhost: x\r\n\r\n"
    async with wire(slow_first) as talk:
        received = await talk(get % b"/c/slow" + get % b"/nothing" + get % b"/c/fast" + get % b"/health/live")
    order = [received.index(text) for text in (b"one", b'"status": 404', b"three", b'{"status":"alive"}')]
    assert order == sorted(order)
    assert received.count(b"HTTP/1.1 ") == 4


@pytest.mark.asyncio
async def test_old_and_unusual_but_valid_requests_are_answered() -> None:
    async with wire() as talk:
        assert b"302 Found" in await talk(b"GET /c/x HTTP/1.0\r\n\r\n")
        closing = await talk(b"GET /c/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert b"connection: close" in closing
        assert b"302 Found" in await talk(b"GET http://x/c/x HTTP/1.1\r\nhost: x\r\n\r\n")
        body = b"GET /c/x HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabcGET /c/y HTTP/1.1\r\nhost: x\r\n\r\n"
        assert (await talk(body)).count(b"302 Found") == 2
        upgrade = b"GET /c/x HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
        assert b"302 Found" in await talk(upgrade)


@pytest.mark.asyncio
async def test_malformed_requests_get_a_problem_and_are_not_logged(logged: io.StringIO) -> None:
    async with wire() as talk:
        for garbage in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET /c/x HTTP/9.9\r\n\r\n",
            b"GET /c/\xff\xfe HTTP/1.1\r\nhost: x\r\n\x01: y\r\n\r\n",
            b"POST /c/x HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
            b"GET /c/x HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        ):
            received = await talk(garbage)
            assert received.startswith(b"HTTP/1.1 400 Bad Request"), garbage
            assert b"application/problem+json" in received
        assert b"302" in await talk(b"GET /c/x HTTP/1.1\r\nhost: x\r\n\r\n")
    assert logged.getvalue() == ""


@pytest.mark.asyncio
async def test_the_server_survives_randomly_damaged_requests(logged: io.StringIO) -> None:
    dice = random.Random(20261123)
    valid = b"GET /c/token.1?a=b HTTP/1.1\r\nhost: x\r\naccept: */*\r\ncontent-length: 2\r\n\r\nok"
    async with serving(make_app(), raw=redirect) as client:
        for _ in range(300):
            damaged = bytearray(valid * dice.randint(1, 3))
            for _ in range(dice.randint(1, 8)):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            _, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
            writer.write(damaged[: dice.randint(1, len(damaged))])
            await writer.drain()
            writer.close()
        assert (await client.get("/c/token.1")).status_code == 302
        assert (await client.get("/health/live")).status_code == 200
    assert '"level":"error"' not in logged.getvalue()
    assert '"level":"warning"' not in logged.getvalue()


@pytest.mark.asyncio
async def test_endless_headers_get_431_and_slow_headers_get_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADER_TIMEOUT", 0.1)
    async with wire() as talk:
        endless = b"GET /c/x HTTP/1.1\r\n" + b"".join(b"x-%d: y\r\n" % number for number in range(20_000))
        assert b"431 Request Header Fields" in await talk(endless)
        assert b"408 Request Timeout" in await talk(b"GET /c/x HTTP/1.1\r\nhost:")
        assert await talk(b"") == b""


@pytest.mark.asyncio
@pytest.mark.parametrize("stray", [b"\n", b"\r\n", b"\r\n" * 50])
async def test_stray_bytes_do_not_keep_a_connection_open(monkeypatch: pytest.MonkeyPatch, stray: bytes) -> None:
    monkeypatch.setattr(connection, "HEADER_TIMEOUT", 0.1)
    async with serving(make_app(), raw=redirect) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(stray)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "first", [b"GET /c/x HTTP/1.1\r\nhost: x\r\n\r\n", b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"]
)
async def test_stray_bytes_after_an_answer_do_not_prolong_keep_alive(
    monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    monkeypatch.setattr(server_module, "KEEP_ALIVE", 1)
    async with serving(make_app(), raw=redirect) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(first)
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 ")
        writer.write(b"\n")
        async with asyncio.timeout(5):
            await reader.read()
        writer.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("path", [b"/c/x", b"/v1/things"])
async def test_an_endless_body_after_an_early_answer_is_drained_for_a_limited_time(
    monkeypatch: pytest.MonkeyPatch, path: bytes
) -> None:
    monkeypatch.setattr(connection, "DRAIN_TIMEOUT", 0.3)
    async with serving(make_app(), raw=redirect) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(
            b"POST %s HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n" % path
        )
        assert b" 40" in await reader.readuntil(b"\r\n")
        trickle = asyncio.create_task(_trickle(writer))
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionError):
                await reader.read()
        trickle.cancel()
        writer.close()


@pytest.mark.asyncio
async def test_a_connection_is_reused_after_the_rest_of_a_rejected_body_arrived() -> None:
    body = b"x" * 3_000_000
    head = b"POST /v1/things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(
        body
    )
    async with wire() as talk:
        received = await talk(head + body + b"GET /c/y HTTP/1.1\r\nhost: x\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 401")
    assert b"302 Found" in received


async def _trickle(writer: asyncio.StreamWriter) -> None:
    for _ in range(500):
        writer.write(b"x")
        await asyncio.sleep(0.02)


@pytest.mark.asyncio
async def test_shutdown_ends_open_streams_and_lets_requests_finish(logged: io.StringIO) -> None:
    keys = Keys()
    release = asyncio.Event()

    async def slow(_request: RawRequest) -> Answer:
        await release.wait()
        return Answer(302, LOCATION)

    stop = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(make_app(keys), "127.0.0.1", 0, stop=stop, raw=slow, listening=port.set_result))
    key = {"Authorization": f"Bearer {keys.make('read')}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{await port}", headers=key) as client:
        async with client.stream("GET", "/v1/stream") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "data: 0"
            pending = asyncio.create_task(client.get("/c/x"))
            for _ in range(3):
                await anext(lines)
            stop.set()
            release.set()
            async with asyncio.timeout(4):
                await server
                with contextlib.suppress(httpx.RemoteProtocolError):
                    async for _ in lines:
                        pass
        assert (await pending).status_code == 302
        with pytest.raises(httpx.ConnectError):
            await client.get("/health/live")
    assert '"level":"error"' not in logged.getvalue()


@pytest.mark.asyncio
async def test_a_stream_ends_when_its_client_disconnects() -> None:
    ended = asyncio.Event()
    router = Router()

    async def forever() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"data: 0\n\n"
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    @router.get("/forever")
    async def stream() -> StreamingResponse:
        return StreamingResponse(forever(), media_type="text/event-stream")

    app = make_app()
    app.include_router(router)
    async with serving(app) as client:
        async with client.stream("GET", "/forever") as answer:
            assert await anext(answer.aiter_lines()) == "data: 0"
        async with asyncio.timeout(3):
            await ended.wait()


@pytest.mark.asyncio
async def test_a_port_in_use_is_named_in_the_error() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"127.0.0.1:{port}"):
            await serve(make_app(), "127.0.0.1", port, stop=asyncio.Event())
