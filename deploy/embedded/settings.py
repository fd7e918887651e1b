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
    smtp: SecretStr | None = None  # a mail server; unless set, the inbox of the stack
    tracking_keys: SecretStr | None = None  # generated once and kept, like the operator key, unless set here

    def wanted_ports(self) -> dict[str, int]:
        """Return the default port of each server."""
        suffix = "_port"
        return {
            name.removesuffix(suffix): getattr(self, name) for name in type(self).model_fields if name.endswith(suffix)
        }

    def asked_for(self) -> set[str]:
        """Return the servers whose port was set by the user."""
        return {name.removesuffix("_port") for name in self.model_fields_set}
