"""The settings of the console."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from shared.settings import CommonSettings, Port

Url = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]


class ConsoleSettings(CommonSettings):
    """`PENCHANT_CONSOLE_…` and where the four APIs are, beside the common settings."""

    console_database: SecretStr
    console_port: Port = 8100
    # Encrypts the API keys of people. At least 32 random characters; changing it ends everybody's access.
    console_secret: Annotated[SecretStr, Field(min_length=32)]
    console_url: Url | None = None  # as browsers reach it; `http://host:port` unless set
    tracking_url: Url = "http://127.0.0.1:8101"
    labeling_url: Url = "http://127.0.0.1:8102"
    segmentation_url: Url = "http://127.0.0.1:8103"
    workflow_url: Url = "http://127.0.0.1:8104"
    delivery_url: Url | None = None  # test mails and the inbox, where there is one
    inbox: Path | None = None  # the folder of the embedded stack's mails, shown to operators
    smtp: SecretStr | None = None  # `smtp://user:password@host:587`: links to sign in are mailed

    @property
    def base_url(self) -> str:
        """The console as browsers reach it, without a slash at the end."""
        host = "127.0.0.1" if self.listens_everywhere else self.host
        return (self.console_url or f"http://{host}:{self.console_port}").rstrip("/")

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach the console over TLS."""
        return self.base_url.startswith("https://")
