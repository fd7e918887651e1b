"""A proxy between a process and PostgreSQL that can interrupt a COPY."""

import asyncio
from urllib.parse import urlsplit

CHUNK = 65_536  # bytes


class Wire:
    """Forwards all traffic inside the `async with` block; clients connect to `dsn`."""

    def __init__(self, dsn: str) -> None:
        self._dsn = urlsplit(dsn)
        self._stopped: asyncio.Future[None] | None = None
        self._resumed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Wire":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def dsn(self) -> str:
        """The DSN of the database through the proxy."""
        port = self._server.sockets[0].getsockname()[1]
        user = self._dsn.netloc.rpartition("@")[0]
        return self._dsn._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()

    async def stop_during_copy(self, within: float = 30.0) -> None:
        """Wait until a COPY has begun; withhold the rest of it."""
        self._stopped = asyncio.get_running_loop().create_future()
        await asyncio.wait_for(self._stopped, within)

    def resume(self) -> None:
        """Forward the rest of the COPY."""
        self._resumed.set()

    async def _connected(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(self._dsn.hostname, self._dsn.port)
        for forwarding in (self._forward(client, to_server), self._forward(server, to_client)):
            task = asyncio.create_task(forwarding)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        try:
            while chunk := await source.read(CHUNK):
                if self._stopped is not None and (begin := _copy_query(chunk)):
                    to.write(begin)
                    self._stopped.set_result(None)
                    self._stopped = None
                    await self._resumed.wait()
                    chunk = chunk[len(begin) :]
                to.write(chunk)
                await to.drain()
        except ConnectionError:
            pass  # one side has closed its connection; the other one is closed below
        finally:
            to.close()


def _copy_query(chunk: bytes) -> bytes:
    """Return the query of a COPY without its data, if the chunk begins with one.

    See https://www.postgresql.org/docs/current/protocol-message-formats.html, Query.
    """
    return chunk[: 1 + int.from_bytes(chunk[1:5])] if chunk[:1] == b"Q" and chunk[5:9] == b"COPY" else b""
