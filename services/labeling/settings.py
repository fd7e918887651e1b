"""Labeling's settings."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from shared.settings import CommonSettings, Port
from shared.tokens import TokenKeys

BaseUrl = Annotated[str, Field(pattern=r"^(https?://[^\s?#]+)?$")]


class LabelingSettings(CommonSettings):
    """`PENCHANT_LABELING_…`, beside the common ones."""

    labeling_database: SecretStr
    labeling_port: Port = 8102
    labeling_public_port: Port | None = None  # see shared.runtime.doors
    labeling_upload_bytes: Annotated[int, Field(ge=1)] = 200 * 1024**2  # of one file
    labeling_upload_rows: Annotated[int, Field(ge=1)] = 2_000_000  # of one file
    labeling_spreadsheet_bytes: Annotated[int, Field(ge=1)] = 50 * 1024**2  # a spreadsheet must be in memory
    labeling_files_bytes: Annotated[int, Field(ge=1)] = 1024**3  # of all files of an account
    labeling_internal_port: Port | None = None  # see shared.runtime.doors
    tracking_keys: SecretStr | None = None  # of tokens in mails, `id:base64,…`; without them there are no public pages
    preferences_url: BaseUrl = ""  # base of /p and /u; own URL if empty
    forms_url: BaseUrl = ""  # base of /f; own URL if empty
    suppression_keys: SecretStr | None = None  # of hashes of suppressed addresses, `id:base64,…`; tracking's if empty

    @field_validator("tracking_keys", "suppression_keys")
    @classmethod
    def _are_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        if keys is not None:
            TokenKeys.parse(keys.get_secret_value())
        return keys

    @property
    def own_url(self) -> str:
        """The URL at which this process serves public pages, where no other one is set."""
        return f"http://{self.host}:{self.labeling_public_port or self.labeling_port}"
