"""Wraps every request: gives it an id, logs it, measures it, and answers it even after an error."""

import re
from time import perf_counter
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from shared.correlation import correlation_id
from shared.http.paths import keep_encoded_slashes
from shared.http.problems import problem_of, problem_response
from shared.metrics import HTTP_SECONDS
from shared.tracing import span

log = structlog.get_logger()

_SAFE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NOT_LOGGED = ("/health/", "/metrics", "/openapi.json", "/docs")
CLIENT_DISCONNECTED = 499  # the status that nginx uses for this; in logs and metrics only


class RequestContext:
    """The outermost layer of the application.

    `X-Request-Id` is used if it is a UUID, and becomes the events' correlation id. Another safe text is hashed to a
    UUID for the events; otherwise an id is generated. `HEAD` is answered like `GET`, `OPTIONS` with the methods of the
    path.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope = keep_encoded_slashes(scope)
        headers = Headers(scope=scope)
        request_id, correlation = _ids(headers.get("x-request-id", ""))
        token = correlation_id.set(correlation)
        method = scope["method"]
        answer = _Answer(send, method, request_id)
        # A copy: the server needs the unchanged scope to omit the body of HEAD.
        inner = {**scope, "method": "GET"} if method == "HEAD" else scope
        started_at = perf_counter()
        try:
            with span(f"{method} request", parent=headers.get("traceparent"), kind="server"):
                await self._run(inner, receive, answer)
        finally:
            _record(inner, method, answer.status, perf_counter() - started_at)
            correlation_id.reset(token)

    async def _run(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            await self.app(scope, receive, answer)
        except ClientDisconnect:
            answer.status = answer.status or CLIENT_DISCONNECTED
        except Exception as error:  # the client gets a problem, the log the exception
            response = problem_response(problem_of(error))
            if answer.status:
                raise  # in the middle of a stream: the server closes the connection
            await response(scope, receive, answer)


class _Answer:
    """Adds headers to the answer, and records its status."""

    def __init__(self, send: Send, method: str, request_id: str) -> None:
        self.send = send
        self.method = method
        self.request_id = request_id
        self.status = 0
        self._finished = False

    async def __call__(self, message: Message) -> None:
        """Send a message; called by ASGI."""
        if message["type"] == "http.response.start":
            await self.send(self._with_headers(message))
        elif not self._finished:
            if self._has_no_body():
                self._finished = True
                message = {"type": "http.response.body", "body": b""}
            await self.send(message)

    def _has_no_body(self) -> bool:
        return self.method == "HEAD" or (self.method == "OPTIONS" and self.status == 204)

    def _with_headers(self, message: Message) -> Message:
        headers = MutableHeaders(raw=list(message.get("headers", [])))
        self.status = message["status"]
        if self.method == "OPTIONS" and self.status == 405:
            self.status = 204
            del headers["content-length"]
            del headers["content-type"]
        headers["X-Request-Id"] = self.request_id
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Cache-Control", "no-store")
        return {**message, "status": self.status, "headers": headers.raw}


def _ids(header: str) -> tuple[str, UUID]:
    """Return the request id and the correlation id for a header `X-Request-Id`."""
    if not _SAFE_ID.fullmatch(header):
        generated = uuid7()
        return str(generated), generated
    try:
        return header, UUID(header)
    except ValueError:
        return header, uuid5(NAMESPACE_URL, f"x-request-id:{header}")


def _record(scope: Scope, method: str, status: int, seconds: float) -> None:
    route = _route_template(scope)
    # Clients may send any method, but the number of values of a metric's label must be limited.
    known_method = method if method in _METHODS else "other"
    HTTP_SECONDS.labels(known_method, route, str(status)).observe(seconds)
    if route.startswith(_NOT_LOGGED):
        return
    caller = scope.get("state", {}).get("caller")
    # The route's template, because a path or a query may contain an address or an external id.
    log.info(
        "request",
        method=known_method,
        route=route,
        status=status,
        ms=round(seconds * 1000, 1),
        account_id=getattr(caller, "account_id", None),
        key_id=None if caller is None else str(caller.key_id),
    )


def _route_template(scope: Scope) -> str:
    # The route of an included router knows only its own part of the path; FastAPI's context has the whole path.
    context = scope.get("fastapi", {}).get("effective_route_context")
    path: str = getattr(context, "path", "") or getattr(scope.get("route"), "path", "")
    return path or "none"
