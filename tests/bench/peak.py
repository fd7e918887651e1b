"""The peak memory of a process during an operation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil

from tests.stack.processes import ServiceProcess

LOOK_EVERY = 0.1  # seconds
MEGABYTE = 1_000_000


class Peak:
    """The highest observed resident memory of a process and its children, in bytes."""

    def __init__(self, process: ServiceProcess) -> None:
        self.bytes = 0
        self._process = psutil.Process(process.pid)

    @property
    def megabytes(self) -> float:
        return self.bytes / MEGABYTE

    def update(self) -> None:
        """Read the current memory."""
        resident = self._process.memory_info().rss
        for child in self._process.children(recursive=True):
            try:
                resident += child.memory_info().rss
            except psutil.NoSuchProcess:  # the process has ended since it was listed
                continue
        self.bytes = max(self.bytes, resident)


@asynccontextmanager
async def peak_of(process: ServiceProcess) -> AsyncIterator[Peak]:
    """Watch the memory of a process within the block."""
    peak = Peak(process)
    peak.update()

    async def watch() -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            peak.update()

    watching = asyncio.create_task(watch())
    try:
        yield peak
    finally:
        watching.cancel()
