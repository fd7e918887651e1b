"""Accepts uploaded files of contacts: stores them in pieces, and recognises their format."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from services.labeling.domain.errors import InvalidError, TooLargeError
from services.labeling.domain.fields import Field
from services.labeling.domain.tables.columns import Table
from services.labeling.domain.tables.encodings import Utf8Check
from services.labeling.domain.tables.reading import Format, recognise_text
from services.labeling.domain.tables.signatures import Container, container_of
from services.labeling.store.fields import fields_of_accounts
from services.labeling.store.files import PIECE, FileWriter, size_of_files, stream_file
from services.labeling.store.imports import Import, insert_import
from services.labeling.use_cases.spreadsheet_process import UNREADABLE
from shared.store.database import Database

TAIL_SIZE = 65_536  # bytes; the directory of a ZIP file is at its end
CONVERSION_TIMEOUT = 120.0  # seconds


class Limits(NamedTuple):
    """Maximum bytes and rows of a file, bytes of a spreadsheet, and bytes of all files of an account."""

    file_bytes: int = 200 * 1024**2
    rows: int = 2_000_000
    spreadsheet_bytes: int = 50 * 1024**2
    account_bytes: int = 1024**3


class _Inspection:
    """What is needed to recognise the format of a file, collected while the file is received."""

    def __init__(self) -> None:
        self.head = bytearray()
        self.tail = b""
        self.line_ends = 0
        self.utf_8 = Utf8Check()

    def feed(self, content: bytes) -> None:
        if len(self.head) < PIECE:
            self.head += content[: PIECE - len(self.head)]
        self.tail = (self.tail + content)[-TAIL_SIZE:]
        self.line_ends += content.count(b"\n") or content.count(b"\r")
        self.utf_8.feed(content)


async def upload(
    database: Database,
    account_id: int,
    key_id: UUID,
    filename: str,
    content: AsyncIterator[bytes],
    limits: Limits,
) -> Import:
    """Store a file and recognise its format; return an import in state `uploaded`.

    Raises InvalidError if the file is not a table, TooLargeError if it exceeds a limit.
    """
    if await size_of_files(database.pool, account_id) > limits.account_bytes:
        raise TooLargeError("the account has too many files; delete some imports or exports first")
    now = datetime.now(UTC)
    writer = await FileWriter.open(database.pool, account_id, filename, "application/octet-stream", now)
    try:
        inspection = await _store(writer, content, limits)
        container = container_of(bytes(inspection.head), inspection.tail)
        if container != "text":
            original, writer = writer, await FileWriter.open(database.pool, account_id, filename, "text/csv", now)
            try:
                size = original.size
                inspection = await _convert(database, original, writer, limits)
            finally:
                await original.discard()
        else:
            size = writer.size
        await writer.close()
        async with database.pool.acquire() as connection:
            fields = (await fields_of_accounts(connection, [account_id]))[account_id]
        format_, table = _recognise(container, inspection, fields, is_last=writer.size <= PIECE)
        return await _insert(database, account_id, key_id, filename, size, format_, table, writer.id)
    except BaseException:
        # Also if the client disconnects, which cancels this task: `shield` lets the deletion finish.
        await asyncio.shield(writer.discard())
        raise


async def _store(writer: FileWriter, content: AsyncIterator[bytes], limits: Limits) -> _Inspection:
    inspection = _Inspection()
    async for part in content:
        if writer.size + len(part) > limits.file_bytes:
            raise TooLargeError(f"the file is larger than {limits.file_bytes // 1024**2} MB")
        inspection.feed(part)
        if inspection.line_ends > limits.rows + 1:
            raise TooLargeError(f"the file has more than {limits.rows:,} rows")
        await writer.write(part)
    inspection.utf_8.feed(b"", last=True)
    return inspection


async def _convert(database: Database, original: FileWriter, writer: FileWriter, limits: Limits) -> _Inspection:
    """Write the rows of a spreadsheet to `writer` as delimited text. Raises InvalidError, TooLargeError."""
    if original.size > limits.spreadsheet_bytes:
        detail = f"the spreadsheet is larger than {limits.spreadsheet_bytes // 1024**2} MB; save it as CSV"
        raise TooLargeError(detail)
    await original.close()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.labeling.use_cases.spreadsheet_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(CONVERSION_TIMEOUT):
            feeding = asyncio.create_task(_feed(database, original.id, process.stdin))
            inspection = await _store(writer, _output(process.stdout), limits)
            reason = (await process.stderr.read(10_000)).decode(errors="replace")
            await asyncio.gather(feeding, return_exceptions=True)
            code = await process.wait()
    except TimeoutError:
        raise InvalidError("the spreadsheet takes too long to read; save it as CSV") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code == UNREADABLE:
        raise InvalidError(reason)
    if code != 0:
        raise InvalidError("the spreadsheet cannot be read; save it as CSV")
    return inspection


async def _feed(database: Database, file_id: UUID, stdin: asyncio.StreamWriter) -> None:
    async for piece in stream_file(database.pool, file_id):
        stdin.write(piece)
        await stdin.drain()
    stdin.close()


async def _output(stdout: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while content := await stdout.read(PIECE):
        yield content


def _recognise(
    container: Container, inspection: _Inspection, fields: dict[str, Field], *, is_last: bool
) -> tuple[Format, Table]:
    kind = "csv" if container == "text" else container
    return recognise_text(bytes(inspection.head), fields, kind=kind, is_utf_8=inspection.utf_8.valid, is_last=is_last)


async def _insert(
    database: Database,
    account_id: int,
    key_id: UUID,
    filename: str,
    size: int,
    format_: Format,
    table: Table,
    file_id: UUID,
) -> Import:
    options: dict[str, Any] = {"dates": table.dates, "decimal": table.decimal}
    return await insert_import(
        database.pool,
        import_id=uuid7(),
        account_id=account_id,
        key_id=key_id,
        filename=filename,
        size=size,
        format_=format_.as_stored(),
        columns=[asdict(column) for column in table.columns],
        options=options,
        hash_key=secrets.token_bytes(32),
        file_id=file_id,
    )
