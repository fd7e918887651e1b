"""Mails links to people, if an SMTP server is set."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.console.settings import ConsoleSettings

_SUBMISSION, _OVER_TLS = 587, 465
TIMEOUT = 20.0  # seconds for each reply of the server


class NotMailed(Exception):
    """The mail server did not accept the mail."""


async def mail_sign_in_link(settings: ConsoleSettings, to: str, url: str, _: Callable[..., str]) -> None:
    """Mail a link that signs in. `_` translates. Raises NotMailed."""
    text = _("Sign in to Penchant with this link. It works once, within an hour:")
    await _send(settings, to, _("Sign in to Penchant"), f"{text}\n\n{url}\n")


async def mail_invitation(settings: ConsoleSettings, to: str, url: str, account: str, _: Callable[..., str]) -> None:
    """Mail an invitation to an account. `_` translates. Raises NotMailed."""
    text = _("You are invited to %(account)s on Penchant. Accept within 7 days:", account=account)
    await _send(settings, to, _("An invitation to Penchant"), f"{text}\n\n{url}\n")


async def _send(settings: ConsoleSettings, to: str, subject: str, text: str) -> None:
    if settings.smtp is None:
        return
    server = urlsplit(settings.smtp.get_secret_value())
    over_tls = server.scheme == "smtps"
    domain = urlsplit(settings.base_url).hostname or "localhost"
    try:
        mail = EmailMessage()
        mail["From"] = f"Penchant <console@{domain}>"
        mail["To"] = to
        mail["Subject"] = subject
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(domain=domain)
        mail.set_content(text)
        await aiosmtplib.send(
            mail,
            hostname=server.hostname or "localhost",
            port=server.port or (_OVER_TLS if over_tls else _SUBMISSION),
            username=unquote(server.username) if server.username else None,
            password=unquote(server.password) if server.password else None,
            use_tls=over_tls,
            timeout=TIMEOUT,
        )
    except (ValueError, TimeoutError, OSError, aiosmtplib.SMTPException) as error:
        # The server's reply, or an invalid header, may contain the address.
        raise NotMailed(type(error).__name__) from None
