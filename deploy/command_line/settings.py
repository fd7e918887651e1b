"""The services' URLs and keys: from the environment, or else from the embedded stack's stack.json."""

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import SecretStr

from deploy.embedded.home import Home
from shared.settings import CommonSettings

ServiceName = Literal["tracking", "labeling", "segmentation", "workflow"]


class NothingRuns(Exception):
    """No stack runs here, and the environment does not name one."""


class CommandLineSettings(CommonSettings):
    """The command line's settings: `PENCHANT_<SERVICE>_URL` and `PENCHANT_API_KEY`, in addition to the common ones."""

    tracking_url: str | None = None
    labeling_url: str | None = None
    segmentation_url: str | None = None
    workflow_url: str | None = None
    console_url: str | None = None
    api_key: SecretStr | None = None

    @classmethod
    def read(cls) -> "CommandLineSettings":
        """Read the environment; missing values come from the stack in PENCHANT_HOME, if one runs."""
        settings = cls()
        home = Home.at(settings.home)
        try:
            running = json.loads(home.stack_file.read_bytes()) if home.is_locked() else {}
        except (FileNotFoundError, ValueError):
            return settings
        from_stack: dict[str, Any] = {f"{name}_url": url for name, url in running.get("urls", {}).items()}
        from_stack["kafka"] = running.get("kafka")
        from_stack["partitions"] = running.get("partitions")
        from_stack["api_key"] = running.get("api_key")
        from_stack["operator_key"] = running.get("operator_key")
        known = {
            name: SecretStr(value) if name.endswith("_key") else value
            for name, value in from_stack.items()
            if value is not None and name in cls.model_fields and name not in settings.model_fields_set
        }
        return settings.model_copy(update=known)

    def with_kafka(self) -> Self:
        """Return these settings, for a command that reads Kafka.

        Raises NothingRuns if neither the environment nor a running stack names a Kafka: the default of the services
        could be an unrelated Kafka on this machine.
        """
        if "kafka" not in self.model_fields_set:
            raise NothingRuns(
                f"The address of Kafka is unknown. Nothing runs in {self.where} (`make run` starts a stack; "
                "PENCHANT_HOME selects another folder), and PENCHANT_KAFKA is not set."
            )
        return self

    @property
    def where(self) -> Path:
        """The folder of the stack."""
        return Home.at(self.home).path

    def url(self, service: ServiceName) -> str:
        """Return the service's base URL. Raises NothingRuns if neither the environment nor a running stack has it."""
        url: str | None = getattr(self, f"{service}_url")
        if url is None:
            raise NothingRuns(
                f"The URL of {service} is unknown. Nothing runs in {self.where} (`make run` starts a stack; "
                f"PENCHANT_HOME selects another folder), and PENCHANT_{service.upper()}_URL is not set."
            )
        return url.rstrip("/")

    def console(self) -> str:
        """Return the console's base URL. Raises NothingRuns if it is unknown."""
        if self.console_url is None:
            raise NothingRuns(
                f"The URL of the console is unknown. Nothing runs in {self.home} (`make run` starts a stack), "
                "and PENCHANT_CONSOLE_URL is not set."
            )
        return self.console_url.rstrip("/")

    def knows(self, service: ServiceName) -> bool:
        """Return whether the URL of the service is known."""
        return getattr(self, f"{service}_url") is not None
