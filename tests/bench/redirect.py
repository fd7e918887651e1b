"""Redirects by one tracking process, each acknowledged by Kafka first; the baseline is an empty redirect."""

import asyncio
import sys
from collections.abc import Sequence

import orjson

from deploy.embedded.ports import free_port, is_free
from tests.bench.figure import Figure
from tests.bench.place import Place
from tests.faults.chain import SEND
from tests.stack.processes import ROOT
from tests.stack.shop import Shop

CONNECTIONS = 64
SECONDS = 6
CONTACTS = 1_000


async def run(place: Place) -> list[Figure]:
    """Measure the same requests to both, over 64 connections."""
    paths, found = await _measure_tracking(place)
    empty = await _measure_empty(paths)
    assert found["other_answers"] == 0, found
    return [
        Figure("redirects, one process, acknowledged by Kafka", found["per_second"], "redirects/s", 20_000,
            empty["per_second"], "empty redirect by the same server", goal_ratio=1 / 3),
        Figure(f"redirects, p99 at {CONNECTIONS} connections", found["p99"], "ms", 20, empty["p99"],
            "empty redirect by the same server", better="lower"),
        Figure(f"redirects, median at {CONNECTIONS} connections", found["median"], "ms", None, empty["median"],
            "empty redirect by the same server", better="lower"),
    ]  # fmt: skip


async def _measure_tracking(place: Place) -> tuple[list[str], dict[str, float]]:
    sandbox = place.service_sandbox()
    try:
        api, worker, labeling = (
            sandbox.service("tracking", "api"),
            sandbox.service("tracking"),
            sandbox.service("labeling"),
        )
        for process in (api, worker, labeling):
            process.start(ready=False)
        for process in (api, worker, labeling):
            await asyncio.to_thread(process.wait_ready)
        shop = await Shop.open(labeling.url, api.url, CONTACTS)
        tokens = await shop.tokens(api.url, SEND, shop.contacts)
        paths = [f"/c/{row['token']}.{1 + number % len(shop.links)}" for number, row in enumerate(tokens)]
        # Only this process is measured: no worker reads its clicks from Kafka meanwhile.
        worker.terminate()
        labeling.terminate()
        return paths, await _request(api.port, paths)
    finally:
        sandbox.clear()


async def _measure_empty(paths: Sequence[str]) -> dict[str, float]:
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.empty_redirect", str(port), cwd=ROOT
    )
    try:
        while is_free(port):  # noqa: ASYNC110 - it does not report when it listens
            await asyncio.sleep(0.05)
        return await _request(port, paths)
    finally:
        server.kill()
        await server.wait()


async def _request(port: int, paths: Sequence[str]) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.requests", str(port), str(CONNECTIONS), str(SECONDS), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed, _ = await process.communicate("\n".join(paths).encode())
    found: dict[str, float] = orjson.loads(printed)
    return found
