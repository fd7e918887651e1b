"""Where the services are: from the environment, and for what it does not say from the embedded stack's stack.json."""

import json
from typing import Any, Literal

from pydantic import SecretStr

from shared.settings import CommonSettings

Service = Literal["tracking", "labeling", "segmentation", "workflow"]


class NothingRuns(Exception):
    """No stack runs here, and the environment names none."""


class CommandLineSettings(CommonSettings):
    """What the command line is told: `PENCHANT_<SERVICE>_URL` and `PENCHANT_API_KEY`, beside the common settings."""

    tracking_url: str | None = None
    labeling_url: str | None = None
    segmentation_url: str | None = None
    workflow_url: str | None = None
    api_key: SecretStr | None = None

    @classmethod
    def read(cls) -> "CommandLineSettings":
        """The environment wins over stack.json, which need not be there."""
        settings = cls()
        try:
            running = json.loads((settings.home.expanduser() / "stack.json").read_bytes())
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

    def url(self, service: Service) -> str:
        """The service's base URL. Raises NothingRuns when nobody said."""
        url: str | None = getattr(self, f"{service}_url")
        if url is None:
            raise NothingRuns(
                f"Where is {service}? Nothing runs in {self.home} (`make run` starts it), "
                f"and PENCHANT_{service.upper()}_URL is not set."
            )
        return url.rstrip("/")

    def knows(self, service: Service) -> bool:
        """Whether anybody said where the service is."""
        return getattr(self, f"{service}_url") is not None
