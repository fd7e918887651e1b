"""Settings of the delivery service."""

from typing import Annotated, NamedTuple
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator

from shared.settings import CommonSettings, Port


class MailServer(NamedTuple):
    """Where mails are handed over. Without TLS from the start, STARTTLS is used if the server offers it."""

    host: str
    port: int
    uses_tls: bool
    username: str | None
    password: str | None


class DeliverySettings(CommonSettings):
    """`PENCHANT_DELIVERY_…` and `PENCHANT_SMTP`, beside the common ones."""

    delivery_database: SecretStr
    delivery_port: Port = 8105
    delivery_internal_port: Port | None = None  # see shared.runtime.doors
    delivery_key: SecretStr  # an API key of scope `pipeline`
    smtp: SecretStr = SecretStr("smtp://127.0.0.1:1025")  # smtp://user:password@host:587, or smtps://…
    delivery_sender: Annotated[str, Field(pattern=r"^[^\s@]+@[^\s@]+$")] = "noreply@localhost"  # if a message has none
    delivery_per_second: Annotated[float, Field(gt=0)] = 500.0  # mails handed over by one process
    delivery_connections: Annotated[int, Field(ge=1, le=100)] = 8  # to the mail server, of one process
    delivery_repeats_uncertain: bool = False  # send again, perhaps twice, what was being handed over in a crash
    tracking_url: str = "http://127.0.0.1:8101"  # the API that renders messages
    preferences_url: str = "http://127.0.0.1:8102"  # base of /p and /u links

    @field_validator("smtp")
    @classmethod
    def _is_server(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("must read smtp://user:password@host:587 or smtps://…")
        return value

    @property
    def mail_server(self) -> MailServer:
        """The mail server, read from `smtp`."""
        parts = urlsplit(self.smtp.get_secret_value())
        return MailServer(
            host=parts.hostname or "",
            port=parts.port or (465 if parts.scheme == "smtps" else 587),
            uses_tls=parts.scheme == "smtps",
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
        )
