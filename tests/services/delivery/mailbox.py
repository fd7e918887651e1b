"""A mail server that counts mails, and that rejects, delays or disconnects on demand."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from email import message_from_bytes

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.embedded.ports import free_port


@dataclass
class Mailbox:
    """Counts the accepted mails by Message-ID.

    `answers` are given to each recipient in order; after them, every answer is 250. The answer `hang up` accepts the
    mail and closes the connection without an answer; `hang up before` closes it without accepting the mail.
    """

    accepted: Counter[str] = field(default_factory=Counter)
    recipients: list[str] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    delay: float = 0.0

    async def handle_DATA(  # noqa: N802 - as aiosmtpd calls it
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Answer a mail; aiosmtpd calls this method."""
        recipient = envelope.rcpt_tos[0]
        waiting = self.answers.get(recipient, [])
        answer = waiting.pop(0) if waiting else "250 OK"
        await asyncio.sleep(self.delay)
        if answer == "hang up before":
            _hang_up(server)
            return "451 gone"
        if answer in ("250 OK", "hang up"):
            assert isinstance(envelope.content, bytes)
            self.accepted[message_from_bytes(envelope.content)["Message-ID"]] += 1
            self.recipients.append(recipient)
        if answer == "hang up":
            _hang_up(server)
        return answer if answer[0].isdigit() else "250 OK"

    def controller(self) -> Controller:
        """Return a server on a free port; the caller starts it."""
        return Controller(self, hostname="127.0.0.1", port=free_port())


def _hang_up(server: SMTP) -> None:
    assert server.transport is not None
    server.transport.close()
