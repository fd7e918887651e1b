"""Stores clicks on disk while Kafka does not accept them.

Each writer has a directory, and locks it for as long as its process lives. A process that finds an unlocked directory
adopts it. Numbered files are written in order, and removed once Kafka has acknowledged all their clicks. So clicks are
sent at least once, and deduplicated by their ids.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from struct import Struct
from threading import Lock
from typing import Self
from uuid import uuid4
from zlib import crc32

import structlog

from services.tracking.redirect.clicks import Click

log = structlog.get_logger()

SEGMENT_BYTES = 8_000_000
LOCK = "lock"
_SUFFIX = ".clicks"
_FRAME = Struct(">II")  # length and CRC-32 of what follows
_SEPARATOR = b"\n"  # does not occur in any part of a click, because JSON escapes it


class SpoolFull(Exception):
    """The spool has grown to its limit."""


class SpoolDirectory:
    """A directory of clicks that this process has locked. Its methods block, and may be called from any thread."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock
        self._busy = Lock()
        self._file: int | None = None
        self._written = 0
        # The size is tracked instead of read from disk, because files may be removed while they are counted.
        self._sizes = {segment: segment.stat().st_size for segment in sorted(path.glob(f"*{_SUFFIX}"))}
        self._writing: Path | None = None
        self._number = max((int(segment.stem) for segment in self._sizes), default=0)

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Return a new directory in `folder`."""
        while True:
            path = folder / str(uuid4())
            path.mkdir(parents=True)
            # Another process may have adopted the directory before it was locked.
            if (locked := cls.adopt(path)) is not None:
                return locked

    @classmethod
    def adopt(cls, path: Path) -> Self | None:
        """Lock and return the directory; None if another process has locked it, or if it was removed."""
        try:
            lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        if not (path / LOCK).exists() or (path / LOCK).stat().st_ino != os.fstat(lock).st_ino:
            os.close(lock)  # its writer has just removed it
            return None
        return cls(path, lock)

    def write(self, clicks: Sequence[Click], most_bytes: int) -> None:
        """Append clicks and sync them to disk. Raises OSError, or SpoolFull."""
        frames = b"".join(map(_frame, clicks))
        with self._busy:
            if sum(self._sizes.values()) + len(frames) > most_bytes:
                raise SpoolFull
            self._append(frames)

    def _append(self, frames: bytes) -> None:
        if self._file is None or self._written > SEGMENT_BYTES:
            self._next_file()
        assert self._file is not None
        assert self._writing is not None
        try:
            _write_all(self._file, frames)
            os.fdatasync(self._file)
        except OSError:
            # The last click may be incomplete, so nothing more may be appended to this file.
            self._seal()
            raise
        self._written += len(frames)
        self._sizes[self._writing] = self._written

    def _next_file(self) -> None:
        self._seal()
        self._number += 1
        self._writing = self.path / f"{self._number:012}{_SUFFIX}"
        self._file = os.open(self._writing, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._sizes[self._writing] = self._written = 0
        _sync_folder(self.path)

    def _seal(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = self._writing = None

    def oldest(self) -> Path | None:
        """Return the file that must be sent first, or None; if clicks are being written to it, it is closed."""
        with self._busy:
            oldest = min(self._sizes, default=None)
            if oldest == self._writing:
                self._seal()
            return oldest

    def remove(self, segment: Path) -> None:
        """Remove a file whose clicks are all acknowledged."""
        with self._busy:
            segment.unlink(missing_ok=True)
            del self._sizes[segment]

    def size(self) -> int:
        """Return the size of all clicks in the directory in bytes."""
        with self._busy:
            return sum(self._sizes.values())

    def close(self) -> None:
        """Unlock the directory; remove it if it is empty."""
        with self._busy:
            self._seal()
            if not self._sizes:
                with suppress(OSError):  # another process may have removed it
                    (self.path / LOCK).unlink()
                    self.path.rmdir()
            os.close(self._lock)


def read_segment(path: Path) -> Iterator[Click]:
    """Yield the clicks of a file, up to the first incomplete one, whose redirect was never answered."""
    content = path.read_bytes()
    position = 0
    while position + _FRAME.size <= len(content):
        length, checksum = _FRAME.unpack_from(content, position)
        body = content[position + _FRAME.size : position + _FRAME.size + length]
        if len(body) < length or crc32(body) != checksum:
            break
        yield Click(*body.split(_SEPARATOR, 3))
        position += _FRAME.size + length
    if position < len(content):
        log.warning("a spool file ends in the middle of a click", file=str(path), bytes=len(content) - position)


class SpoolWriter:
    """Writes clicks of concurrent requests to disk; those that arrive during a write are written together next.

    `lost` is called with the number of lost clicks if the spool is full or the disk fails.
    """

    def __init__(self, directory: SpoolDirectory, most_bytes: int, lost: Callable[[int], None]) -> None:
        self._directory = directory
        self._most_bytes = most_bytes
        self._lost = lost
        self._pending: list[tuple[Click, Callable[[], None]]] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, click: Click, safe: Callable[[], None]) -> None:
        """Call `safe` once the click is on disk, or is lost.

        The redirect succeeds in both cases; a lost click is only not recorded.
        """
        self._pending.append((click, safe))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(), name="spool")

    async def finish(self) -> None:
        """Return once all added clicks are written."""
        while self._task is not None and not self._task.done():
            await self._task

    async def _write(self) -> None:
        while self._pending:
            group, self._pending = self._pending, []
            try:
                await asyncio.to_thread(self._directory.write, [click for click, _ in group], self._most_bytes)
            except (OSError, SpoolFull) as error:
                log.error("clicks are lost", clicks=len(group), error=repr(error))  # noqa: TRY400 - a traceback adds nothing
                self._lost(len(group))
            for _, safe in group:
                safe()


def _frame(click: Click) -> bytes:
    body = _SEPARATOR.join(click)
    return _FRAME.pack(len(body), crc32(body)) + body


def _write_all(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
