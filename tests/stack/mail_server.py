"""A mail server in a process of its own, which counts what it takes, and refuses, delays and hangs up.

`python -m tests.stack.mail_server PORT FILE` appends a line to FILE for each mail that it takes: Message-ID and
recipient. What it does is written in the address: `later…` is refused for now the first time, `nobody…` for good,
`slow…` is taken after a while, `lost…` is taken and the connection dropped before the answer, and for `torn…` it is
dropped instead of taking the mail.
"""

import asyncio
import os
import sys
from email import message_from_bytes
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

SLOW = 0.2  # seconds


class CountingServer:
    """Takes mails, and writes down which before it answers."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._refused: set[str] = set()

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd calls it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Refuse some recipients."""
        if address.startswith("nobody"):
            return "550 5.1.1 there is nobody of that name"
        if address.startswith("later") and address not in self._refused:
            self._refused.add(address)
            return "451 4.7.1 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - as aiosmtpd calls it
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take a mail, or drop the connection."""
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
    """Take mails until the process is ended."""
    loop = asyncio.get_running_loop()
    handler = CountingServer(file)
    server = await loop.create_server(lambda: SMTP(handler, loop=loop), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
