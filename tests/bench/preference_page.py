"""The preference page of a contact with labels, by one process, requested over a few persistent connections."""

import asyncio
from collections.abc import Sequence
from time import perf_counter

from tests.bench.figure import Figure
from tests.bench.latency import quantile
from tests.bench.place import Place
from tests.faults.chain import SEND
from tests.scenarios.scene import Account, Scene

CONTACTS = 500
LABELS = 12
CONNECTIONS = 4
SECONDS = 5.0
WARM_UP = 20  # pages of each connection that are not counted


async def run(place: Place) -> list[Figure]:
    """Measure concurrent requests, and requests one after the other."""
    sandbox = place.service_sandbox()
    try:
        services = {name: sandbox.service(name) for name in ("tracking", "labeling")}
        for process in services.values():
            process.start(ready=False)
        for process in services.values():
            await asyncio.to_thread(process.wait_ready)
        with Account.open(Scene(sandbox, services), "Preferences") as account:
            paths = await asyncio.to_thread(_prepare, account)
        services["tracking"].terminate()
        return await measure(services["labeling"].port, paths)
    finally:
        sandbox.clear()


def _prepare(account: Account) -> list[str]:
    """Create contacts that hold half of the public labels; return the paths of their pages."""
    names = [f"Label {number}" for number in range(LABELS)]
    for name in names:
        account.post("labeling", "/v1/labels", {"name": name, "visibility": "public", "group": "Interests"})
    rows = [{"email": f"c{number}@example.com", "labels": names[::2]} for number in range(CONTACTS)]
    contacts = account.post("labeling", "/v1/contacts/batch", rows)["contact_ids"]
    message = account.message('<a href="https://shop.example/">Shop</a>')
    return [f"/p/{row['token']}" for row in account.tokens(message["id"], contacts, SEND).values()]


async def measure(port: int, paths: Sequence[str], suffix: str = "") -> list[Figure]:
    """Measure one page after the other, then concurrent requests. `suffix` ends the names of the figures."""
    alone = await _request_pages(port, paths, SECONDS)
    began = perf_counter()
    many = await asyncio.gather(
        *(_request_pages(port, paths[number::CONNECTIONS], SECONDS) for number in range(CONNECTIONS))
    )
    rate = sum(map(len, many)) / (perf_counter() - began)
    return [
        Figure(f"preference page, median{suffix}", quantile(alone, 0.5), "ms", 10, better="lower"),
        Figure(f"preference page, one process{suffix}", rate, "pages/s", 500),
    ]


async def _request_pages(port: int, paths: Sequence[str], seconds: float) -> list[float]:
    """Request pages one after the other; return the time of each."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times: list[float] = []
    number, began = 0, perf_counter()
    while perf_counter() - began < seconds:
        requested = perf_counter()
        writer.write(f"GET {paths[number % len(paths)]} HTTP/1.1\r\nHost: p.example\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        (length,) = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await reader.readexactly(int(length.partition(b":")[2]))
        if number >= WARM_UP:
            times.append(perf_counter() - requested)
        number += 1
    writer.close()
    return times
