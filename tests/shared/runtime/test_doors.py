"""Each door serves its own paths: public, API or internal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import Response

from shared.http.raw import Answer, RawRequest
from shared.http.routing import Router
from shared.http.server import PortTakenError, listen
from shared.runtime.doors import Doors, ports_of, serve_doors
from shared.runtime.service import Resources, ServiceDefinition, ServiceParts
from shared.settings import CommonSettings, Port

PATHS = (
    "/c/token.1",
    "/p/token",
    "/v1/things",
    "/internal/slices",
    "/health/live",
    "/metrics",
    "/docs",
    "/openapi.json",
)


class ShopSettings(CommonSettings):
    shop_port: Port = 0
    shop_public_port: Port | None = None
    shop_internal_port: Port | None = None


def _router(path: str) -> Router:
    router = Router()

    @router.get(path)
    async def answer() -> Response:
        return Response("here")

    return router


def _redirect(_request: RawRequest) -> Answer:
    return Answer(302, ((b"location", b"https://example.com/"),))


PARTS = ServiceParts(
    routers=[_router("/v1/things")],
    public_routers=[_router("/p/token")],
    internal_routers=[_router("/internal/slices")],
    raw=_redirect,
)


async def _never(_resources: Resources) -> ServiceParts:
    raise AssertionError


@asynccontextmanager
async def paths_by_door(settings: ShopSettings, *, has_api: bool = True) -> AsyncIterator[dict[str, set[str]]]:
    """Serve the doors, and provide the paths of PATHS that each of them serves."""
    service = ServiceDefinition(name="shop", settings=ShopSettings, migrations=Path(), catalogs=(), build=_never)
    doors = Doors(service, settings, None, None).of(PARTS, [], has_api=has_api)
    stop, ports = asyncio.Event(), dict[str, int]()
    server = asyncio.create_task(serve_doors(doors, settings, stop, ports.__setitem__))
    async with asyncio.timeout(10), httpx.AsyncClient() as client:
        while len(ports) < len(doors):  # noqa: ASYNC110 - the server reports its port by a callback
            await asyncio.sleep(0.01)
        found = {}
        for name, port in ports.items():
            answers = {path: await client.get(f"http://127.0.0.1:{port}{path}") for path in PATHS}
            found[name] = {path for path, answer in answers.items() if answer.status_code != 404}
        yield found
        stop.set()
        await server


@pytest.mark.asyncio
async def test_one_port_serves_all_paths_by_default() -> None:
    async with paths_by_door(ShopSettings()) as found:
        assert found == {"api": set(PATHS)}


@pytest.mark.asyncio
async def test_each_door_serves_only_its_own_paths() -> None:
    async with paths_by_door(ShopSettings(shop_public_port=0, shop_internal_port=0)) as found:
        assert found == {
            "public": {"/c/token.1", "/p/token"},
            "internal": {"/internal/slices", "/health/live", "/metrics"},
            "api": {"/v1/things", "/docs", "/openapi.json"},
        }


@pytest.mark.asyncio
async def test_a_worker_has_no_public_door() -> None:
    async with paths_by_door(ShopSettings(shop_public_port=0), has_api=False) as found:
        assert found == {"api": {"/internal/slices", "/health/live", "/metrics", "/docs", "/openapi.json"}}


def test_ports_that_are_not_set_are_omitted() -> None:
    assert ports_of("shop", ShopSettings(shop_public_port=8200)) == {"api": 0, "public": 8200}


@pytest.mark.asyncio
async def test_a_port_that_is_in_use_stops_all_doors() -> None:
    with listen("127.0.0.1", 0) as taken:
        settings = ShopSettings(shop_internal_port=taken.getsockname()[1])
        service = ServiceDefinition(name="shop", settings=ShopSettings, migrations=Path(), catalogs=(), build=_never)
        doors = Doors(service, settings, None, None).of(PARTS, [], has_api=True)
        with pytest.raises(PortTakenError):
            await serve_doors(doors, settings, asyncio.Event(), lambda _name, _port: None)
