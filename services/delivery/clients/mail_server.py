"""Hands mails over to the mail server, one after another on each connection."""

import aiosmtplib

from services.delivery.domain.outcomes import Refusal
from services.delivery.settings import MailServer

TIMEOUT = 60.0  # seconds for each reply of the server


class MailRefused(Exception):
    """The server refused the mail; nothing was handed over."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)  # the text may contain an address
        self.refusal = refusal


class NotReached(Exception):
    """The server was not reached, or the connection was lost before the mail was handed over."""


class Uncertain(Exception):
    """The connection was lost while the mail was handed over: it is unknown whether the server accepted it."""


class MailServerConnection:
    """One connection to the server, opened when it is needed."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._client: aiosmtplib.SMTP | None = None

    async def close(self) -> None:
        """Quit, or drop the connection if the server does not reply."""
        client, self._client = self._client, None
        if client is not None:
            try:
                await client.quit(timeout=2)
            except (aiosmtplib.SMTPException, OSError):
                client.close()

    async def hand_over(self, sender: str, recipient: str, mail: bytes) -> None:
        """Hand over a mail; `mail` is the whole message. Raises MailRefused, NotReached or Uncertain."""
        client = await self._connected()
        try:
            await client.mail(sender)
            await client.rcpt(recipient)
        except aiosmtplib.SMTPResponseException as error:
            await self._reset(client)
            raise MailRefused(Refusal(error.code, error.message)) from None
        except (TimeoutError, aiosmtplib.SMTPException, OSError) as error:
            self._drop(client)
            raise NotReached(type(error).__name__) from None
        try:
            await client.data(mail)
        except aiosmtplib.SMTPDataError as error:
            await self._reset(client)
            raise MailRefused(Refusal(error.code, error.message)) from None
        except (TimeoutError, aiosmtplib.SMTPException, OSError) as error:
            self._drop(client)
            raise Uncertain(type(error).__name__) from None
        except BaseException:
            self._drop(client)
            raise

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.uses_tls,
            username=server.username,
            password=server.password,
            timeout=TIMEOUT,
        )
        try:
            await client.connect()
        except (TimeoutError, aiosmtplib.SMTPException, OSError) as error:
            self._drop(client)
            raise NotReached(type(error).__name__) from None
        self._client = client
        return client

    async def _reset(self, client: aiosmtplib.SMTP) -> None:
        """Reset the connection after a refused mail, so that it can be used for the next one."""
        try:
            await client.rset()
        except (TimeoutError, aiosmtplib.SMTPException, OSError):
            self._drop(client)

    def _drop(self, client: aiosmtplib.SMTP) -> None:
        client.close()
        self._client = None
