"""Protects every page: sets security headers, and refuses cross-site changes."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A mail: its styles are inline, nothing in it runs, and it loads nothing unless the reader asks for pictures.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:{pictures}; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin allow-top-navigation-by-user-activation"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Programs call these with a key, not browsers with a cookie.
_NOT_FOR_BROWSERS = ("/v1/", "/health/", "/metrics", "/docs", "/openapi.json")


class Guard:
    """ASGI middleware that sets the headers and checks the origin of changes."""

    def __init__(self, app: ASGIApp, base_url: str) -> None:
        self.app = app
        self.base_url = base_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http" or scope["path"].startswith(_NOT_FOR_BROWSERS):
            await self.app(scope, receive, send)
            return
        if scope["method"] not in _SAFE_METHODS and not comes_from_here(Headers(scope=scope), self.base_url):
            refusal = PlainTextResponse("This request came from another site and was refused.", 403)
            await refusal(scope, receive, _with_headers(send))
            return
        await self.app(scope, receive, _with_headers(send))


def comes_from_here(headers: Headers, base_url: str) -> bool:
    """Return whether a change comes from our own pages: by `Sec-Fetch-Site`, or by `Origin` in older browsers."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    if origin is None or origin == "null":
        return False
    return origin == base_url or urlsplit(origin).netloc == headers.get("host")


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers", [])))
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            message = {**message, "headers": headers.raw}
        await send(message)

    return send_with_headers
