"""What labeling is told by its environment."""

from pydantic import SecretStr

from shared.settings import CommonSettings, Port


class LabelingSettings(CommonSettings):
    """`PENCHANT_LABELING_…`, beside the common ones."""

    labeling_database: SecretStr
    labeling_port: Port = 8102
    labeling_public_port: Port | None = None  # see shared.runtime.doors
    labeling_internal_port: Port | None = None  # see shared.runtime.doors
