"""A mail server in its own process, which records accepted mails, and rejects, delays or drops some connections.

`python -m tests.stack.mail_server PORT FILE` appends a line to FILE for each mail that it accepts: Message-ID and
recipient. The address decides what it does: `later…` is rejected temporarily the first time, `nobody…` is rejected
permanently, `slow…` is accepted after a while, `lost…` is accepted but the connection dropped before the answer, and
for `torn…` the connection is dropped before the mail is accepted.
"""

import asyncio
import os
import sys
from email import message_from_bytes
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

SLOW = 0.2  # seconds


class CountingServer:
    """Accepts mails, and records each before it answers."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._rejected: set[str] = set()

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd calls it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Reject some recipients."""
        if address.startswith("nobody"):
            return "550 5.1.1 there is nobody of that name"
        if address.startswith("later") and address not in self._rejected:
            self._rejected.add(address)
            return "451 4.7.1 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - as aiosmtpd calls it
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Accept a mail, or drop the connection."""
        recipient = envelope.rcpt_tos[0]
        if recipient.startswith("slow"):
            await asyncio.sleep(SLOW)
        if not recipient.startswith("torn"):
            assert isinstance(envelope.content, bytes)
            line = f"{message_from_bytes(envelope.content)['Message-ID']} {recipient}\n"
            os.write(self._descriptor, line.encode())
        if recipient.startswith(("lost", "torn")):
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"


async def serve(port: int, file: Path) -> None:
    """Accept mails until the process is ended."""
    loop = asyncio.get_running_loop()
    handler = CountingServer(file)
    server = await loop.create_server(lambda: SMTP(handler, loop=loop), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
