"""Settings of the embedded stack."""

from pydantic import SecretStr

from shared.settings import CommonSettings, Port


class StackSettings(CommonSettings):
    tracking_port: Port = 8101
    labeling_port: Port = 8102
    segmentation_port: Port = 8103
    workflow_port: Port = 8104
    console_port: Port = 8100
    delivery_port: Port = 8105
    inbox_port: Port = 1025
    kafka_port: Port = 9092
    kafka_controller_port: Port = 9093
    postgres_port: Port = 5432
    console_secret: SecretStr | None = None
    smtp: SecretStr | None = None  # a mail server; the inbox of the stack if it is not set
    tracking_keys: SecretStr | None = None  # unless set, generated once and stored, like the operator key

    def configured_ports(self) -> dict[str, int]:
        """Return the port of each server: the one in the settings, or its default."""
        suffix = "_port"
        return {
            name.removesuffix(suffix): getattr(self, name) for name in type(self).model_fields if name.endswith(suffix)
        }

    def ports_set_by_user(self) -> set[str]:
        """Return the servers whose port was set by the user."""
        return {name.removesuffix("_port") for name in self.model_fields_set}
