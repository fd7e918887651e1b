"""Settings of the delivery service."""

from typing import Annotated, NamedTuple
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator

from shared.settings import CommonSettings, Port


class MailServer(NamedTuple):
    """The server to which mails are handed over. With `smtp://`, STARTTLS is used if the server offers it."""

    host: str
    port: int
    uses_tls: bool
    username: str | None
    password: str | None


class DeliverySettings(CommonSettings):
    """The settings of delivery, `PENCHANT_DELIVERY_…` and `PENCHANT_SMTP`, in addition to the common ones."""

    delivery_database: SecretStr
    """DSN of the database: `postgresql://role:password@host:5432/database`."""
    delivery_port: Port = 8105
    """Port of the API."""
    delivery_internal_port: Port | None = None
    """If set, health and metrics are served only on this port."""
    delivery_key: SecretStr
    """API key of scope `pipeline`."""
    smtp: SecretStr = SecretStr("smtp://127.0.0.1:1025")
    """Mail server: `smtp://user:password@host:587`, or `smtps://…`."""
    delivery_sender: Annotated[str, Field(pattern=r"^[^\s@]+@[^\s@]+$")] = "noreply@localhost"
    """Sender address of messages without a sender."""
    delivery_per_second: Annotated[float, Field(gt=0)] = 500.0
    """Maximum number of mails per second that one process hands over."""
    delivery_connections: Annotated[int, Field(ge=1, le=100)] = 8
    """Number of connections of one process to the mail server."""
    delivery_repeats_uncertain: bool = False
    """Whether a mail is sent again if a crash interrupted its handover; the recipient may get it twice."""
    delivery_claim_seconds: Annotated[float, Field(ge=1)] = 180.0
    """Seconds for which a mail stays claimed by a process that has ended. A mail that was being handed over is reported
    as uncertain after twice as long; a mail server must not take longer for one mail."""
    tracking_url: str = "http://127.0.0.1:8101"
    """API of tracking, which renders messages."""
    preferences_url: str = "http://127.0.0.1:8102"
    """Base of the `/p` and `/u` links."""

    @field_validator("smtp")
    @classmethod
    def _is_server(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("must have the form smtp://user:password@host:587 or smtps://…")
        return value

    @property
    def mail_server(self) -> MailServer:
        """The mail server, parsed from `smtp`."""
        parts = urlsplit(self.smtp.get_secret_value())
        return MailServer(
            host=parts.hostname or "",
            port=parts.port or (465 if parts.scheme == "smtps" else 587),
            uses_tls=parts.scheme == "smtps",
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
        )
