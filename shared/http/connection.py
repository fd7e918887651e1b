"""uvicorn's HTTP/1.1 connection, with a fast path for tracked links and time limits for slow clients."""

import asyncio
from collections.abc import Awaitable
from time import perf_counter
from typing import Any

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from shared.http.raw import RAW_PREFIX, Answer, Proxies, RawHandler, RawRequest
from shared.metrics import REDIRECT_SECONDS

MAX_HEADER_BYTES = 65_536
HEADER_TIMEOUT = 10.0  # seconds from a request's first byte to the end of its headers
DRAIN_TIMEOUT = 30.0  # seconds for the rest of a body after its request was answered; the same limit as for a body

log = structlog.get_logger()


class Config(uvicorn.Config):
    """uvicorn's configuration, extended for the fast path."""

    raw: RawHandler | None = None
    proxies: Proxies = Proxies()


class _NoWaiter:
    def set(self) -> None:
        """Do nothing: uvicorn calls this to wake an application that waits for the body, and there is none."""


class RawCycle:
    """A request for a tracked link in progress, in place of uvicorn's request-response cycle."""

    __slots__ = ("body", "disconnected", "head", "keep_alive", "more_body", "response_complete", "started_at")
    message_event = _NoWaiter()

    def __init__(self, *, head: bool, keep_alive: bool) -> None:
        self.head = head
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False
        self.more_body = False
        self.body = b""
        self.started_at = perf_counter()


class Connection(HttpToolsProtocol):
    """A connection with the fast path and the time limits of this module.

    Requests are answered in order: a tracked link takes the fast path only on a connection without an unfinished
    request; otherwise it queues in uvicorn's pipeline like any other request.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._raw = config.raw
        self._proxies = config.proxies
        self._in_headers = False
        self._request_began = False  # a request began in the bytes that are being read
        self._header_bytes = 0
        self._header_timer: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._idle_since = 0.0
        self._peer = ""
        self._behind_proxy = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        self._behind_proxy = self._proxies.trusts(self._peer)
        # uvicorn itself has no limit for the time until the first byte.
        self._expect_request_within(HEADER_TIMEOUT)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_header_timer()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        # Only a new request may stop the idle time-out. uvicorn stops it for any byte, so a newline, or one more byte
        # of the body of an answered request, would keep the connection open for ever.
        keep_alive_timer, self.timeout_keep_alive_task = self.timeout_keep_alive_task, None
        self._request_began = False
        super().data_received(data)
        if keep_alive_timer is not None:
            self._restore_keep_alive(keep_alive_timer)
        if self._in_headers and not self.transport.is_closing():
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES:
                self._refuse(431, "Request Header Fields Too Large")
            elif self._header_timer is None:
                self._header_timer = self.loop.call_later(HEADER_TIMEOUT, self._refuse, 408, "Request Timeout")

    def _restore_keep_alive(self, timer: asyncio.TimerHandle) -> None:
        """Let the idle time-out continue, unless a request began."""
        if self._request_began or self.timeout_keep_alive_task is not None or self.transport.is_closing():
            timer.cancel()
        else:
            self.timeout_keep_alive_task = timer

    def on_message_complete(self) -> None:
        super().on_message_complete()
        # The rest of the body of an answered request has arrived: the connection is now idle.
        if self.cycle.response_complete and self.cycle.more_body and not self.pipeline:
            self.cycle.more_body = False
            self._expect_request_within(self.timeout_keep_alive)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body and not self.transport.is_closing():
            self._expect_request_within(DRAIN_TIMEOUT)

    def _expect_request_within(self, seconds: float) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def on_message_begin(self) -> None:
        self._request_began = True
        self.url = b""
        self.headers = []
        self._in_headers = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._header_bytes = 0
        self._end_header_timer()
        if self._raw is not None and self.url.startswith(RAW_PREFIX) and self._can_take_fast_path():
            self._answer_raw(self._raw)
            return
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        self.headers.extend(headers)
        self.expect_100_continue = any(
            name == b"expect" and value.lower() == b"100-continue" for name, value in headers
        )
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not isinstance(self.cycle, RawCycle):
            super().on_body(body)

    def _end_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _can_take_fast_path(self) -> bool:
        parser = self.parser
        return (
            (self.cycle is None or self.cycle.response_complete)
            and parser.get_method() in {b"GET", b"HEAD"}
            and parser.get_http_version() == "1.1"
            and not self.flow.write_paused
        )

    def _answer_raw(self, raw: RawHandler) -> None:
        method = self.parser.get_method().decode()
        path, _, query = self.url.partition(b"?")
        client = self._proxies.client(self._peer, self.headers) if self._behind_proxy else self._peer
        cycle = RawCycle(head=method == "HEAD", keep_alive=self.parser.should_keep_alive())
        self.cycle = cycle  # type: ignore[assignment] # it has all members of a cycle that are used
        try:
            version = self.parser.get_http_version()
            outcome = raw(RawRequest(method, path.decode("latin-1"), query, self.headers, client, version))
        except Exception:  # noqa: BLE001 # any error must be answered
            self._fail(cycle)
            return
        if isinstance(outcome, Answer):
            self._send(cycle, outcome)
        else:
            self._send_later(cycle, outcome)

    def _send_later(self, cycle: RawCycle, outcome: Awaitable[Answer]) -> None:
        future = asyncio.ensure_future(outcome, loop=self.loop)

        def send(finished: asyncio.Future[Answer]) -> None:
            try:
                answer = finished.result()
            except (Exception, asyncio.CancelledError):  # noqa: BLE001 # as above
                self._fail(cycle)
            else:
                self._send(cycle, answer)

        future.add_done_callback(send)

    def _fail(self, cycle: RawCycle) -> None:
        log.exception("tracked link failed")
        self._send(cycle, Answer(500))

    def _send(self, cycle: RawCycle, answer: Answer) -> None:
        if cycle.disconnected or self.transport.is_closing():
            return
        status, headers, body = answer
        parts = [STATUS_LINE[status]]
        for name, value in self.server_state.default_headers:
            parts += (name, b": ", value, b"\r\n")
        for name, value in headers:
            parts += (name, b": ", value, b"\r\n")
        if not cycle.keep_alive:
            parts.append(b"connection: close\r\n")
        parts.append(b"content-length: %d\r\n\r\n" % len(body))
        if not cycle.head:
            parts.append(body)
        self.transport.write(b"".join(parts))
        cycle.response_complete = True
        now = perf_counter()
        REDIRECT_SECONDS.observe(status, now - cycle.started_at)
        if not cycle.keep_alive:
            self.transport.close()
        elif self.pipeline:
            self.on_response_complete()
        else:
            self._idle_since = now
            if self._idle_timer is None:
                self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._close_if_idle)

    def _close_if_idle(self) -> None:
        # One timer per connection checks periodically: a new one per request would cost a tenth of the request.
        idle = perf_counter() - self._idle_since
        if isinstance(self.cycle, RawCycle) and self.cycle.response_complete and idle >= self.timeout_keep_alive:
            self.transport.close()
        else:
            wait = max(self.timeout_keep_alive - idle, 1.0)
            self._idle_timer = self.loop.call_later(wait, self._close_if_idle)

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is not HTTP; called by uvicorn."""
        self._refuse(400, msg)

    def _refuse(self, status: int, title: str) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            # An answer is in progress: finish it, and read nothing more.
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        body = b'{"type":"about:blank","title":"%s","status":%d,"errors":[]}' % (title.encode(), status)
        head = b"content-type: application/problem+json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()

    def hang_up(self) -> None:
        """End requests in progress as if the client had disconnected; called when the process ends."""
        cycle: RequestResponseCycle | RawCycle | None = self.cycle
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()
