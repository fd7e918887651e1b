"""The fast path for tracked links: a request and an answer without FastAPI, routing or a task.

A handler of tracked links is called for `GET` and `HEAD` below `/c/`. It returns an `Answer`, or an awaitable of one; a
plain future is the cheapest, because only its result is scheduled. The answer to `HEAD` is sent without its body. An
exception gives the client a 500 and is logged, so a handler should catch expected errors.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

RAW_PREFIX = b"/c/"
Header = tuple[bytes, bytes]


class RawRequest(NamedTuple):
    """A request before anything is interpreted.

    `path` is percent-encoded, as it was sent; header names are lower case; `client` is an IP address; `http_version` is
    a text such as `1.1`.
    """

    method: str
    path: str
    query: bytes
    headers: Sequence[Header]
    client: str
    http_version: str = ""

    def header(self, name: bytes) -> str | None:
        """Return the first value of a header, by its lower-case name."""
        for header_name, value in self.headers:
            if header_name == name:
                return value.decode("latin-1")
        return None


class Answer(NamedTuple):
    """Status, headers and body; `content-length` and `date` are added by the server."""

    status: int
    headers: Sequence[Header] = ()
    body: bytes = b""


class RawHandler(Protocol):
    """Answers a request for a tracked link."""

    def __call__(self, request: RawRequest, /) -> Answer | Awaitable[Answer]: ...


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies whose `X-Forwarded-For` is trusted, as addresses or networks."""

    networks: Sequence[IPv4Network | IPv6Network] = field(default=())

    @classmethod
    def of(cls, names: Sequence[str]) -> "Proxies":
        """Parse addresses and networks. Raises ValueError for any other text."""
        return cls(tuple(ip_network(name) for name in names))

    def trusts(self, address: str) -> bool:
        """Return whether `address` is one of the proxies."""
        if not self.networks:
            return False
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.networks)

    def client(self, peer: str, headers: Sequence[Header]) -> str:
        """Return the client's address: the last one in `X-Forwarded-For` that is not a trusted proxy."""
        if not self.trusts(peer):
            return peer
        addresses = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
        for hop in reversed([hop.strip() for hop in addresses.split(",") if hop.strip()]):
            if not self.trusts(hop):
                return hop if _is_address(hop) else peer
        return peer


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def with_raw_handler(app: ASGIApp, raw: RawHandler, proxies: Proxies) -> ASGIApp:
    """Return `app` with tracked links answered by `raw`, for requests that cannot take the fast path.

    These are pipelined requests, HTTP/1.0, and other methods than GET and HEAD.
    """

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["raw_path"].startswith(RAW_PREFIX):
            await app(scope, receive, send)
            return
        method = scope["method"]
        if method in {"GET", "HEAD"}:
            peer = scope["client"][0] if scope["client"] else ""
            client = proxies.client(peer, scope["headers"])
            path = scope["raw_path"].decode("latin-1")
            outcome = raw(
                RawRequest(method, path, scope["query_string"], scope["headers"], client, scope["http_version"])
            )
            answer = outcome if isinstance(outcome, Answer) else await outcome
        else:
            answer = Answer(405, ((b"allow", b"GET, HEAD"),))
        length = (b"content-length", b"%d" % len(answer.body))
        await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, length]})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})

    return application
