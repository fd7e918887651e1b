"""Answers requests while a process waits for a server at its start: it is alive, but not ready."""

import asyncio
from collections.abc import Callable, Sequence

from shared.http.app import create_app
from shared.http.health import Check
from shared.http.problems import unavailable
from shared.http.routing import Router
from shared.http.server import serve
from shared.settings import CommonSettings

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class WaitingRoom:
    """Serves the health pages on all `ports`, and 503 for other paths, from the first call of `wait_for` until `close`.

    `failed` is called with the error if it cannot listen.
    """

    def __init__(
        self, title: str, settings: CommonSettings, ports: Sequence[int], failed: Callable[[BaseException], None]
    ) -> None:
        self._title = title
        self._settings = settings
        self._ports = ports
        self._failed = failed
        self._server = ""
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    def wait_for(self, server: str) -> None:
        """Answer from now on that `server` does not answer yet."""
        self._server = server
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve(), name="waiting room")
            self._serving.add_done_callback(self._ended)

    async def close(self) -> None:
        """Stop listening, so that the service itself can use the ports."""
        self._stop.set()
        if self._serving is not None:
            await asyncio.wait({self._serving})

    async def _serve(self) -> None:
        app = create_app(self._title, None, checks=[Check("start", self._reason)])
        closed = Router(include_in_schema=False)
        closed.add_api_route("/{path:path}", self._refuse, methods=METHODS)
        app.include_router(closed)
        await asyncio.gather(*(serve(app, self._settings.host, port, stop=self._stop) for port in self._ports))

    async def _reason(self) -> str:
        return f"waiting for {self._server}"

    async def _refuse(self) -> None:
        raise unavailable(f"The service starts once {self._server} answers.")

    def _ended(self, serving: "asyncio.Task[None]") -> None:
        error = None if serving.cancelled() else serving.exception()
        if error is not None:
            self._failed(error)
