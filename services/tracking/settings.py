"""Settings of the tracking service."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from shared.settings import CommonSettings, Port
from shared.tokens import TokenKeys


class TrackingSettings(CommonSettings):
    """The settings of tracking, `PENCHANT_TRACKING_…`, in addition to the common ones."""

    tracking_database: SecretStr
    """DSN of the database: `postgresql://role:password@host:5432/database`."""
    tracking_port: Port = 8101
    """Port of the API."""
    tracking_public_port: Port | None = None
    """If set, tracked links are served only on this port, and not on the API's."""
    tracking_internal_port: Port | None = None
    """If set, health, metrics and requests between processes are served only on this port."""
    tracking_keys: SecretStr
    """Keys of the tokens in links: `id:base64,…`. The first key signs, all keys verify."""
    preferences_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] = "http://127.0.0.1:8102"
    """Base of the `/p` and `/u` links: where labeling serves its public pages."""
    tracking_spool_bytes: Annotated[int, Field(ge=1_000_000)] = 1_000_000_000
    """Maximum size in bytes of the spool of clicks; the default holds about two million clicks."""

    @field_validator("tracking_keys")
    @classmethod
    def _check_keys(cls, keys: SecretStr) -> SecretStr:
        TokenKeys.parse(keys.get_secret_value())
        return keys

    def token_keys(self) -> TokenKeys:
        """Return the parsed signing keys."""
        return TokenKeys.parse(self.tracking_keys.get_secret_value())
