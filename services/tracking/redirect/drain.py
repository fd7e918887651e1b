"""Sends spooled clicks in order once Kafka accepts records again, including those of dead processes."""

import asyncio
from itertools import islice
from pathlib import Path
from time import monotonic

import structlog

from services.tracking.redirect.clicks import TOPIC
from services.tracking.redirect.spool import SpoolDirectory, read_segment
from shared.bus.errors import is_passing
from shared.bus.producer import IntakeProducer
from shared.retrying import until_it_works

log = structlog.get_logger()

CHECK_INTERVAL = 0.5  # seconds
ADOPT_INTERVAL = 10.0  # seconds
BATCH_SIZE = 500  # clicks


class Drain:
    """Sends the clicks in this process's directory of the spool, and in unlocked directories in `folder`."""

    def __init__(self, folder: Path, own: SpoolDirectory, producer: IntakeProducer) -> None:
        self._folder = folder
        self._own = own
        self._producer = producer
        self._adopted_at = float("-inf")

    async def run(self) -> None:
        """Run until cancelled; retry while Kafka is unavailable."""
        while True:
            await until_it_works("spool", self._send_spooled, is_passing)
            await asyncio.sleep(CHECK_INTERVAL)

    async def _send_spooled(self) -> None:
        await self.empty(self._own)
        if monotonic() - self._adopted_at > ADOPT_INTERVAL:
            await self._adopt()
            self._adopted_at = monotonic()

    async def empty(self, directory: SpoolDirectory) -> None:
        """Send all clicks of a directory; remove each file once Kafka has acknowledged all its clicks."""
        while (segment := await asyncio.to_thread(directory.oldest)) is not None:
            clicks = await asyncio.to_thread(lambda path: iter(list(read_segment(path))), segment)
            sent = 0
            while batch := list(islice(clicks, BATCH_SIZE)):
                await self._producer.send(TOPIC, [(None, click.value, click.headers()) for click in batch])
                sent += len(batch)
            await asyncio.to_thread(directory.remove, segment)
            log.info("spooled clicks sent", clicks=sent)

    async def _adopt(self) -> None:
        for path in await asyncio.to_thread(lambda: sorted(self._folder.iterdir())):
            if path == self._own.path or not path.is_dir():
                continue
            directory = await asyncio.to_thread(SpoolDirectory.adopt, path)
            if directory is not None:
                try:
                    await self.empty(directory)
                finally:
                    await asyncio.to_thread(directory.close)
