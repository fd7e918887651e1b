"""An HTTP server that replaces the four services in tests of the command line."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import SecretStr

from deploy.command_line.settings import CommandLineSettings


class Request(NamedTuple):
    method: str
    path: str
    body: Any


class Answer(NamedTuple):
    status: int
    body: Any = None
    headers: Mapping[str, str] = MappingProxyType({})


@contextmanager
def served(answer: Callable[[Request], Answer]) -> Iterator[CommandLineSettings]:
    """Provide the settings of a command line whose four services are replaced by this function."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            sent = self.rfile.read(length)
            found = answer(Request(self.command, self.path, json.loads(sent) if sent else None))
            body = b"" if found.body is None else json.dumps(found.body).encode()
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing: the output belongs to the test."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield CommandLineSettings(
            tracking_url=url, labeling_url=url, segmentation_url=url, workflow_url=url, api_key=SecretStr("key")
        )
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
