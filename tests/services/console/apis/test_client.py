"""The client reports a service that does not respond correctly as unreachable."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from deploy.embedded.ports import free_port
from services.console.apis.client import Platform, Unreachable
from services.console.settings import ConsoleSettings

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def server_responding_with(answer: bytes) -> AsyncIterator[str]:
    """Provide the URL of a server that responds to a request with these bytes and closes the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def send_request(url: str) -> None:
    settings = ConsoleSettings(
        console_database=SecretStr("postgresql://nowhere"),
        console_secret=SecretStr("a-secret-of-the-tests-that-is-long-enough"),
        workflow_url=url,
    )
    platform = Platform(settings)
    try:
        await platform.with_key("pk_any").get("workflow", "/v1/workflows")
    finally:
        await platform.close()


@pytest.mark.parametrize(
    "answer",
    [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n"],
    ids=["nothing", "no HTTP", "a header that is too long"],
)
async def test_a_service_with_an_invalid_response_is_unreachable(answer: bytes) -> None:
    async with server_responding_with(answer) as url:
        with pytest.raises(Unreachable):
            await send_request(url)


async def test_a_service_that_does_not_listen_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        await send_request(f"http://127.0.0.1:{free_port()}")
