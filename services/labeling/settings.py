"""What labeling is told by its environment."""

from typing import Annotated

from pydantic import Field, SecretStr

from shared.settings import CommonSettings, Port


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
