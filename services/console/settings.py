"""The settings of the console."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from shared.settings import CommonSettings, Port

Url = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]


class ConsoleSettings(CommonSettings):
    """The settings of the console, `PENCHANT_CONSOLE_…`, and the URLs of the APIs, in addition to the common
    settings."""

    console_database: SecretStr
    """DSN of the database: `postgresql://role:password@host:5432/database`."""
    console_port: Port = 8100
    """Port of the console."""
    console_secret: Annotated[SecretStr, Field(min_length=32)]
    """Secret that encrypts the API keys of people, at least 32 random characters. If it is changed, the stored
    keys can no longer be decrypted, and people lose access to their accounts."""
    console_url: Url | None = None
    """URL at which browsers reach the console. Unless set, `http://host:port`."""
    tracking_url: Url = "http://127.0.0.1:8101"
    """URL of the API of tracking."""
    labeling_url: Url = "http://127.0.0.1:8102"
    """URL of the API of labeling."""
    segmentation_url: Url = "http://127.0.0.1:8103"
    """URL of the API of segmentation."""
    workflow_url: Url = "http://127.0.0.1:8104"
    """URL of the API of workflow."""
    delivery_url: Url | None = None
    """URL of the API of delivery, which sends test mails. Unless set, test mails cannot be sent."""
    inbox: Path | None = None
    """Folder of the embedded stack's mails, which operators can read."""
    smtp: SecretStr | None = None
    """Mail server that sends sign-in links and invitations: `smtp://user:password@host:587`."""

    @property
    def base_url(self) -> str:
        """The URL at which browsers reach the console, without a slash at the end."""
        host = "127.0.0.1" if self.listens_everywhere else self.host
        return (self.console_url or f"http://{host}:{self.console_port}").rstrip("/")

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach the console over TLS."""
        return self.base_url.startswith("https://")
