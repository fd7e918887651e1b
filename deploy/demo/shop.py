"""The pet shop's web site, the target of the demo's links."""

from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title} · Paws &amp; Co</title></head>
<body style="font-family:Georgia,serif;max-width:36em;margin:4em auto;color:#333">
<h1 style="color:#3b6e47">{title}</h1>
<p>This is where the link leads. Penchant has recorded your click on the tracked link and redirected you.</p>
<p><strong>Look at your terminal.</strong></p>
</body></html>
"""


class Shop:
    """Serves a page for any path, on a free port of this machine, during the block."""

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, name="shop", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = unquote(urlsplit(self.path).path).strip("/").replace("-", " ") or "paws & co"
        body = PAGE.format(title=escape(name.capitalize())).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: the terminal is for the demo."""
