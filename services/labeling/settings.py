"""What labeling is told by its environment."""

from pydantic import SecretStr

from shared.settings import CommonSettings, Port


class LabelingSettings(CommonSettings):
    """`PENCHANT_LABELING_…`, beside the common ones."""

    labeling_database: SecretStr
    labeling_port: Port = 8102
