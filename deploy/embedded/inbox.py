"""A mail server for this machine: it accepts every mail, stores it in a folder, and sends nothing.

`python -m deploy.embedded.inbox FOLDER PORT` runs it until SIGTERM. Each mail is a file. Beyond MAX_MAILS, the
oldest are deleted.
"""

import asyncio
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.embedded.ports import HOST

MAX_MAILS = 1_000
MAX_MAIL_BYTES = 20_000_000


class Inbox:
    """Stores mails in `folder`, named by their time of arrival."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def handle_DATA(  # noqa: N802 - as aiosmtpd calls it
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Store a mail."""
        assert isinstance(envelope.content, bytes)
        self._store(envelope.content)
        return "250 OK"

    def _store(self, content: bytes) -> None:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid4().hex[:8]}"
        incomplete = self._folder / f".{name}"
        incomplete.write_bytes(content)
        incomplete.rename(self._folder / f"{name}.eml")
        for path in mails_in(self._folder)[MAX_MAILS:]:
            path.unlink(missing_ok=True)


def mails_in(folder: Path) -> list[Path]:
    """Return the files of the mails in `folder`, newest first."""
    return sorted(folder.glob("*.eml"), reverse=True)


async def serve(folder: Path, port: int) -> None:
    """Accept mails on `port` of this machine until SIGTERM or SIGINT."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    inbox = Inbox(folder)
    server = await loop.create_server(lambda: SMTP(inbox, data_size_limit=MAX_MAIL_BYTES, loop=loop), HOST, port)
    async with server:
        await stop.wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
