"""The HTTP server: one listening socket in the running event loop, until it is stopped."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator, Sequence

import uvicorn
from starlette.types import ASGIApp

from shared.http.connection import Config, Connection
from shared.http.raw import Proxies, RawHandler, with_raw_handler

GRACE = 1.0  # seconds for requests in progress when the server stops; event streams never end by themselves
KEEP_ALIVE = 75  # seconds; longer than the 60 for which load balancers keep an idle connection


class PortTakenError(OSError):
    """The port is taken by another process."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to `host` and `port`, 0 for any free one. Raises PortTakenError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # Not reuse_port: two processes would silently share the port.
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise PortTakenError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from error


async def serve(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    stop: asyncio.Event,
    raw: RawHandler | None = None,
    trusted_proxies: Sequence[str] = (),
    listening: Callable[[int], None] | None = None,
) -> None:
    """Serve `app`, and tracked links below `/c/` by `raw`, until `stop` is set; then end within about 3 seconds.

    Requests in progress get a second to finish; event streams are ended. `listening` is called with the port once the
    server accepts requests. `trusted_proxies` are addresses or networks whose `X-Forwarded-For` names the client. The
    application's lifespan is not run: the caller opens and closes its resources. Raises PortTakenError.
    """
    listener = listen(host, port)
    bound_port: int = listener.getsockname()[1]
    proxies = Proxies.of(trusted_proxies)
    config = Config(
        app if raw is None else with_raw_handler(app, raw, proxies),
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=3,
    )
    config.raw, config.proxies = raw, proxies
    server = _Server(config, (lambda: None) if listening is None else (lambda: listening(bound_port)))

    async def watch() -> None:
        await stop.wait()
        server.should_exit = True

    watcher = asyncio.create_task(watch(), name="http-stop")
    try:
        await server.serve(sockets=[listener])
    finally:
        watcher.cancel()
        listener.close()


class _Server(uvicorn.Server):
    def __init__(self, config: Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Do not handle signals: the runtime does."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        hang_up_timer = asyncio.get_running_loop().call_later(GRACE, self._hang_up)
        try:
            await super().shutdown(sockets)
        finally:
            hang_up_timer.cancel()

    def _hang_up(self) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, Connection):
                connection.hang_up()
