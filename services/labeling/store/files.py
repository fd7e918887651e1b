"""Files in the service's database, in pieces of 1 MB, so that they are never in memory as a whole."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy
from uuid_utils.compat import uuid7

from shared.store.queries import Executor, queries_of

QUERIES = queries_of(__file__)

PIECE = 1_048_576  # bytes
KEPT = timedelta(days=7)
ABANDONED = timedelta(hours=1)  # a file that is not complete by then is deleted


class StoredFile(NamedTuple):
    """A complete file."""

    id: UUID
    account_id: int
    filename: str
    media_type: str
    size: int


class FileWriter:
    """Writes a file piece by piece, each in a transaction of its own; the file exists once it is closed."""

    def __init__(self, file_id: UUID, executor: Executor) -> None:
        self.id = file_id
        self.size = 0
        self._executor = executor
        self._number = 0
        self._buffer = bytearray()

    @classmethod
    async def open(
        cls, executor: Executor, account_id: int, filename: str, media_type: str, now: datetime
    ) -> "FileWriter":
        """Begin a file."""
        file_id = uuid7()
        await QUERIES["insert_file"].execute(
            executor,
            file_id=file_id,
            account_id=account_id,
            filename=filename,
            media_type=media_type,
            expires_at=now + KEPT,
        )
        return cls(file_id, executor)

    async def write(self, content: bytes) -> None:
        """Append content to the file."""
        self._buffer += content
        self.size += len(content)
        while len(self._buffer) >= PIECE:
            await self._flush(PIECE)

    async def close(self) -> None:
        """Complete the file."""
        if self._buffer:
            await self._flush(len(self._buffer))
        await QUERIES["complete_file"].execute(self._executor, file_id=self.id, size=self.size)

    async def discard(self) -> None:
        """Delete the pieces that have been written."""
        await delete_file(self._executor, self.id)

    async def _flush(self, length: int) -> None:
        content = bytes(self._buffer[:length])
        del self._buffer[:length]
        await QUERIES["insert_piece"].execute(self._executor, file_id=self.id, number=self._number, content=content)
        self._number += 1


async def append_piece(connection: PoolConnectionProxy, file_id: UUID, number: int, content: bytes) -> None:
    """Write one piece of a file, in the transaction of `connection`."""
    await QUERIES["insert_piece"].execute(connection, file_id=file_id, number=number, content=content)


async def complete_file(connection: PoolConnectionProxy, file_id: UUID, size: int) -> None:
    """Complete a file whose pieces have been written."""
    await QUERIES["complete_file"].execute(connection, file_id=file_id, size=size)


async def read_range(executor: Executor, file_id: UUID, offset: int, length: int) -> bytes:
    """Return up to `length` bytes from `offset` of a file whose pieces, except the last, have `PIECE` bytes."""
    first, last = offset // PIECE, (offset + length - 1) // PIECE
    rows = await QUERIES["pieces"].fetch(executor, file_id=file_id, first=first, last=last)
    content = b"".join(row["content"] for row in rows)
    begin = offset - first * PIECE
    return content[begin : begin + length]


async def stream_file(executor: Executor, file_id: UUID) -> AsyncIterator[bytes]:
    """Yield the pieces of a file in order; they may have any size."""
    number = 0
    while rows := await QUERIES["pieces"].fetch(executor, file_id=file_id, first=number, last=number):
        yield rows[0]["content"]
        number += 1


async def file_of_id(executor: Executor, account_id: int, file_id: UUID) -> StoredFile | None:
    """Return a complete file of the account, or None."""
    row = await QUERIES["file_of_id"].fetchrow(executor, account_id=account_id, file_id=file_id)
    return None if row is None else StoredFile(UUID(int=row["file_id"].int), *tuple(row)[1:])


async def size_of_files(executor: Executor, account_id: int) -> int:
    """Return the total size of an account's files in bytes."""
    size: int = await QUERIES["size_of_files"].fetchval(executor, account_id=account_id)
    return size


async def delete_file(executor: Executor, file_id: UUID) -> None:
    """Delete a file with its pieces."""
    await QUERIES["delete_file"].execute(executor, file_id=file_id)


async def delete_expired_files(executor: Executor, now: datetime) -> int:
    """Delete expired and abandoned files; return their number."""
    return await QUERIES["delete_expired"].execute(executor, now=now, abandoned=now - ABANDONED)
