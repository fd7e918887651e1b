"""Files in request bodies, streamed: the body itself, or a part of `multipart/form-data`."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import PurePath
from typing import Any

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from shared.http.problems import Problem

CHUNK_TIMEOUT = 30.0  # seconds between two chunks of a body
_EXAMPLE = "E-mail;Interesselabels\nanna@example.com;Dogs\n"
UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}, "example": _EXAMPLE},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary", "description": "The file."}},
                    "required": ["file"],
                },
                "example": {"file": _EXAMPLE},
            },
        },
    }
}


def filename_of(path: str | None) -> str:
    """Return the name of a file to show, without folders and control characters; `upload` if there is none."""
    name = PurePath((path or "").replace("\\", "/")).name
    return "".join(character for character in name if character.isprintable())[:200] or "upload"


async def uploaded_content(request: Request) -> tuple[str | None, AsyncIterator[bytes]]:
    """Return the name of the file, if the request has one, and its content.

    Raises Problem 400 for an invalid form, 408 for a client that stops sending, 422 for a form without a file. Reading
    the content may also raise 400 and 408.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        return None, _chunks(request)
    boundary = options.get(b"boundary")
    if not boundary:
        raise Problem(400, "The form has no boundary.")
    form = _Form(boundary)
    chunks = _chunks(request)
    # The headers of the part, with the name of the file, precede its content: read until they are complete.
    async for chunk in chunks:
        form.feed(chunk)
        if form.has_begun:
            return form.filename, _content_of(form, chunks)
    raise Problem(422, "The form has no part `file`.")


async def _content_of(form: "_Form", chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield form.take()
    async for chunk in chunks:
        form.feed(chunk)
        content = form.take()
        if content:
            yield content
    if not form.has_ended:
        raise Problem(400, "The form ends in the middle of the file.")


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    stream = request.stream()
    try:
        while True:
            try:
                async with asyncio.timeout(CHUNK_TIMEOUT):
                    chunk = await anext(stream)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise Problem(408, "The body did not arrive in time.", headers={"Connection": "close"}) from None
            if chunk:
                yield chunk
    finally:
        await stream.aclose()


class _Form:
    """Extracts the part `file` from a form while it is received."""

    def __init__(self, boundary: bytes) -> None:
        self.filename: str | None = None
        self.has_begun = False
        self.has_ended = False
        self._content = bytearray()
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._is_file = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Parse the next chunk of the body. Raises Problem 400."""
        try:
            self._parser.write(chunk)
        except MultipartParseError:
            raise Problem(400, "The body is not multipart/form-data.") from None

    def take(self) -> bytes:
        """Return the content received since the last call."""
        content = bytes(self._content)
        self._content.clear()
        return content

    def _on_part_begin(self) -> None:
        self._is_file = False

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if bytes(self._header_name).lower() == b"content-disposition" and not self.has_begun:
            _, options = parse_options_header(bytes(self._header_value))
            if options.get(b"name") == b"file":
                self.has_begun = self._is_file = True
                self.filename = options.get(b"filename", b"").decode("utf-8", "replace") or None
        self._header_name.clear()
        self._header_value.clear()

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._content += data[start:end]

    def _on_part_end(self) -> None:
        self.has_ended = self.has_ended or self._is_file
