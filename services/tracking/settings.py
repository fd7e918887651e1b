"""What tracking is told by its environment."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from shared.settings import CommonSettings, Port
from shared.tokens import TokenKeys


class TrackingSettings(CommonSettings):
    """Tracking's settings: `PENCHANT_TRACKING_…`, beside the common ones."""

    tracking_database: SecretStr
    tracking_port: Port = 8101
    tracking_public_port: Port | None = None  # see shared.runtime.doors
    tracking_internal_port: Port | None = None  # see shared.runtime.doors
    tracking_keys: SecretStr  # of click tokens, `id:base64,…`: the first signs, all verify
    # Base of the pages on which contacts choose their labels and unsubscribe: labeling's, unless it is set.
    preferences_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] = "http://127.0.0.1:8102"
    tracking_spool_bytes: Annotated[int, Field(ge=1_000_000)] = 1_000_000_000  # some two million clicks

    @field_validator("tracking_keys")
    @classmethod
    def _are_keys(cls, keys: SecretStr) -> SecretStr:
        TokenKeys.parse(keys.get_secret_value())
        return keys

    def token_keys(self) -> TokenKeys:
        """The signing keys, read."""
        return TokenKeys.parse(self.tracking_keys.get_secret_value())
