"""Kafka and PostgreSQL are stopped and killed, and database sessions terminated, all under load."""

import asyncio

import httpx
import pytest

from shared.runtime.run import PORT_TAKEN
from tests.faults.chain import Chain
from tests.faults.checks import fetch
from tests.stack.nodes import Node
from tests.stack.sandbox import Sandbox

MEANWHILE = 400  # redirects answered while a server is unavailable, at 100 a second
ANSWERS_WITHIN = 5.0  # seconds for a redirect while Kafka or PostgreSQL is unavailable, on a busy machine

SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Node:
    """Provide one of the two servers."""
    node: Node = request.getfixturevalue(request.param)
    return node


on_each_server = pytest.mark.parametrize("server", ["private_kafka", "private_postgres"], indirect=True)


@on_each_server
@pytest.mark.asyncio
async def test_redirects_work_while_a_server_is_down_and_every_click_counts(chain: Chain, server: Node) -> None:
    redirects = await chain.redirects()
    async with chain.load() as load, redirects:
        for end in (server.stop, server.kill):
            await load.wait_for_more(100)
            await asyncio.to_thread(end)
            await redirects.wait_for_more(MEANWHILE)
            await asyncio.to_thread(server.start)
        await load.wait_for_more(100)
    assert redirects.unanswered == 0
    assert redirects.slowest < ANSWERS_WITHIN
    await chain.check()


@on_each_server
@pytest.mark.asyncio
async def test_a_process_started_while_a_server_is_down_reports_it_and_waits(sandbox: Sandbox, server: Node) -> None:
    sandbox.database("labeling")  # create it while PostgreSQL is running
    await asyncio.to_thread(server.stop)
    try:
        labeling = sandbox.service("labeling").start(ready=False)
        async with httpx.AsyncClient(base_url=labeling.url, timeout=5) as http:
            live = await _wait_until_live(http)
            ready, labels = await http.get("/health/ready"), await http.get("/v1/labels")
        second = sandbox.service("labeling", PENCHANT_LABELING_PORT=str(labeling.port)).start(ready=False)
        taken = await asyncio.to_thread(second.wait)
    finally:
        await asyncio.to_thread(server.start)
    assert live.status_code == 200
    assert (ready.status_code, labels.status_code) == (503, 503)
    assert f"waiting for {'Kafka' if 'afka' in type(server).__name__ else 'PostgreSQL'}" in ready.json()["detail"]
    assert labels.headers["retry-after"]
    assert labels.headers["content-type"] == "application/problem+json"
    assert taken == PORT_TAKEN
    await asyncio.to_thread(labeling.wait_ready)
    assert labeling.terminate() == 0


async def _wait_until_live(http: httpx.AsyncClient) -> httpx.Response:
    async with asyncio.timeout(30):
        while True:
            try:
                return await http.get("/health/live")
            except httpx.ConnectError:
                await asyncio.sleep(0.05)


@pytest.mark.asyncio
async def test_every_click_counts_once_when_database_sessions_are_terminated(chain: Chain) -> None:
    ended = 0
    async with chain.load() as load:
        await load.wait_for_more(100)
        for service in ("labeling", "tracking"):
            dsn = chain.sandbox.database(service)
            for session in await fetch(dsn, SESSIONS):
                await fetch(dsn, "SELECT pg_terminate_backend($1)", session["pid"])
                ended += 1
                await load.wait_for_more(15)
        await load.wait_for_more(100)
    assert ended > 4
    await chain.check()
