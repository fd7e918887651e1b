"""A proxy between a process and PostgreSQL that can stop a COPY in the middle."""

import asyncio
from urllib.parse import urlsplit

CHUNK = 65_536  # bytes


class Wire:
    """Forwards everything while it is entered; `dsn` leads through it."""

    def __init__(self, dsn: str) -> None:
        self._dsn = urlsplit(dsn)
        self._stopped: asyncio.Future[None] | None = None
        self._go_on = asyncio.Event()
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
        """The DSN that leads through the proxy."""
        port = self._server.sockets[0].getsockname()[1]
        user = self._dsn.netloc.rpartition("@")[0]
        return self._dsn._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()

    async def stop_in_a_copy(self, within: float = 30.0) -> None:
        """Wait until a COPY has begun; hold back the rest of it."""
        self._stopped = asyncio.get_running_loop().create_future()
        await asyncio.wait_for(self._stopped, within)

    def go_on(self) -> None:
        """Forward the rest of the COPY."""
        self._go_on.set()

    async def _connected(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(self._dsn.hostname, self._dsn.port)
        for passing in (self._pass_on(client, to_server), self._pass_on(server, to_client)):
            task = asyncio.create_task(passing)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        try:
            while chunk := await source.read(CHUNK):
                if self._stopped is not None and (begin := _begin_of_copy(chunk)):
                    to.write(begin)
                    self._stopped.set_result(None)
                    self._stopped = None
                    await self._go_on.wait()
                    chunk = chunk[len(begin) :]
                to.write(chunk)
                await to.drain()
        except ConnectionError:
            pass  # one side has closed; the other one is closed below
        finally:
            to.close()


def _begin_of_copy(chunk: bytes) -> bytes:
    """Return the query of a COPY without its data, if the chunk begins with one.

    See https://www.postgresql.org/docs/current/protocol-message-formats.html, Query.
    """
    return chunk[: 1 + int.from_bytes(chunk[1:5])] if chunk[:1] == b"Q" and chunk[5:9] == b"COPY" else b""
