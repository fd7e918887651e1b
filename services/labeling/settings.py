"""Labeling's settings."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from shared.settings import CommonSettings, Port
from shared.tokens import TokenKeys

BaseUrl = Annotated[str, Field(pattern=r"^(https?://[^\s?#]+)?$")]


class LabelingSettings(CommonSettings):
    """The settings of labeling, `PENCHANT_LABELING_…`, in addition to the common ones."""

    labeling_database: SecretStr
    """DSN of the database: `postgresql://role:password@host:5432/database`."""
    labeling_port: Port = 8102
    """Port of the API."""
    labeling_public_port: Port | None = None
    """If set, public pages are served only on this port, and not on the API's."""
    labeling_upload_bytes: Annotated[int, Field(ge=1)] = 200 * 1024**2
    """Maximum size of an uploaded file in bytes."""
    labeling_upload_rows: Annotated[int, Field(ge=1)] = 2_000_000
    """Maximum number of rows of an uploaded file."""
    labeling_spreadsheet_bytes: Annotated[int, Field(ge=1)] = 50 * 1024**2
    """Maximum size in bytes of an uploaded spreadsheet, which must fit in memory."""
    labeling_files_bytes: Annotated[int, Field(ge=1)] = 1024**3
    """Maximum total size in bytes of all files of an account."""
    labeling_internal_port: Port | None = None
    """If set, health, metrics and requests between processes are served only on this port."""
    tracking_keys: SecretStr | None = None
    """Keys of the tokens in mails, the same as tracking's. Unless set, there are no public pages."""
    preferences_url: BaseUrl = ""
    """Base of the `/p` and `/u` links. Unless set, the service's own URL."""
    forms_url: BaseUrl = ""
    """Base of the `/f` pages. Unless set, the service's own URL."""
    suppression_keys: SecretStr | None = None
    """Keys of the hashes of suppressed addresses: `id:base64,…`. Unless set, tracking's keys."""

    @field_validator("tracking_keys", "suppression_keys")
    @classmethod
    def _check_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        if keys is not None:
            TokenKeys.parse(keys.get_secret_value())
        return keys

    @property
    def own_url(self) -> str:
        """The default URL of this process's public pages."""
        return f"http://{self.host}:{self.labeling_public_port or self.labeling_port}"
