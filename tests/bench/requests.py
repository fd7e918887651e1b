"""Requests links over persistent connections, as fast as they are answered, in a separate process.

    python -m tests.bench.requests PORT CONNECTIONS SECONDS < one path per line

Prints one JSON object: answers per second, how many were not redirects, and quantiles of their times in ms.
"""

import asyncio
import sys
from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import cast

import orjson
import uvloop

REQUEST = (
    "GET {} HTTP/1.1\r\nHost: click.example.com\r\nAccept: text/html\r\nAccept-Language: nl-BE\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\r\n"
)
WARM_UP = 1.0  # seconds that are not counted


class Connection(asyncio.Protocol):
    """One request at a time; answers have no body."""

    def __init__(self, requests: Sequence[bytes], first: int, step: int) -> None:
        self.times: list[float] = []
        self.other_answers = 0
        self._requests = requests
        self._next = first
        self._step = step
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's class does not inherit from it
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(b"\r\n\r\n"):
            self.times.append(perf_counter() - self._sent)
            self.other_answers += not self._received.startswith(b"HTTP/1.1 302")
            self._received = b""
            self._send()

    def _send(self) -> None:
        self._sent = perf_counter()
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += self._step

    def reset(self) -> None:
        """Discard the answers so far, which were the warm-up."""
        self.times.clear()

    def close(self) -> None:
        self._transport.abort()


async def measure(port: int, connections: int, seconds: float, paths: Sequence[str]) -> dict[str, float]:
    """Request `paths` in turn over `connections` connections."""
    requests = [REQUEST.format(path).encode() for path in paths]
    loop = asyncio.get_running_loop()
    open_connections = [
        (await loop.create_connection(partial(Connection, requests, number, connections), "127.0.0.1", port))[1]
        for number in range(connections)
    ]
    await asyncio.sleep(WARM_UP)
    for connection in open_connections:
        connection.reset()
    began = perf_counter()
    await asyncio.sleep(seconds)
    elapsed = perf_counter() - began
    for connection in open_connections:
        connection.close()
    times = sorted(time for connection in open_connections for time in connection.times)
    return {
        "per_second": len(times) / elapsed,
        "other_answers": sum(connection.other_answers for connection in open_connections),
        "median": times[len(times) // 2] * 1000,
        "p99": times[len(times) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    port, connections, seconds = sys.argv[1:]
    measured = uvloop.run(measure(int(port), int(connections), float(seconds), sys.stdin.read().split()))
    sys.stdout.buffer.write(orjson.dumps(measured))
