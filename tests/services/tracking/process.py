"""A process of tracking with its own settings."""

import base64
from pathlib import Path

import httpx

from tests.stack.processes import ServiceProcess

PARTITIONS = 4
KEYS = f"first:{base64.b64encode(b'k' * 32).decode()}"


class TrackingProcess(ServiceProcess):
    """Tracking with topics that begin with `prefix`, and with the home directory `home`."""

    def __init__(
        self, bootstrap: str, dsn: str, prefix: str, home: Path, *arguments: str, partitions: int = PARTITIONS
    ) -> None:
        self.bootstrap, self.dsn, self.prefix, self.home = bootstrap, dsn, prefix, home
        environment = {
            "PENCHANT_KAFKA": bootstrap,
            "PENCHANT_TOPIC_PREFIX": prefix,
            "PENCHANT_PARTITIONS": str(partitions),
            "PENCHANT_HOME": str(home),
            "PENCHANT_TRACKING_DATABASE": dsn,
            "PENCHANT_TRACKING_KEYS": KEYS,
        }
        log = home / "tracking.log"
        super().__init__("services.tracking", environment, log, "PENCHANT_TRACKING_PORT", arguments, forked=True)
        self.configure(PENCHANT_PUBLIC_URL=self.url)

    def metric(self, name: str) -> float:
        """Return the sum of the metric samples whose line begins with `name`."""
        lines = httpx.get(f"{self.url}/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))
