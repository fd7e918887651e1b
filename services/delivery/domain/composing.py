"""Composes a mail: headers that mailbox providers require, and a text part in addition to the HTML."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender of a mail."""

    name: str
    email: str
    reply_to: str | None = None

    @property
    def domain(self) -> str:
        """The domain of the address."""
        return self.email.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a mail. `html` is None for a mail with text only."""

    subject: str
    text: str
    html: str | None = None


def compose(
    recipient: str,
    sender: Sender,
    content: Content,
    *,
    idempotency_key: str,
    now: datetime,
    unsubscribe_url: str | None,
) -> EmailMessage:
    """Return the mail. `unsubscribe_url` takes a one-click POST (RFC 8058); None for a mail without such a link.

    The Message-ID is derived from the idempotency key, so that receivers drop duplicates. Raises ValueError for an
    address or a subject that a header cannot contain.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(sender.name, addr_spec=sender.email)
    mail["To"] = recipient
    if sender.reply_to:
        mail["Reply-To"] = sender.reply_to
    mail["Subject"] = " ".join(content.subject.split())
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(idempotency_key, sender.domain)
    if unsubscribe_url is not None:
        mail["List-Unsubscribe"] = f"<{unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(content.text, cte="quoted-printable")
    if content.html is not None:
        mail.add_alternative(content.html, subtype="html", cte="quoted-printable")
    return mail


def message_id(idempotency_key: str, domain: str) -> str:
    """Return the Message-ID for an idempotency key; it is always the same."""
    return f"<{sha256(idempotency_key.encode()).hexdigest()[:40]}@{domain}>"
