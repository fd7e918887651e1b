"""Segmentation's settings."""

import socket
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from shared.bus.connection import is_loopback
from shared.settings import CommonSettings, Port


class SegmentationSettings(CommonSettings):
    """The settings of segmentation, `PENCHANT_SEGMENTATION_…`, in addition to the common ones."""

    segmentation_database: SecretStr
    """DSN of the database: `postgresql://role:password@host:5432/database`."""
    segmentation_port: Port = 8103
    """Port of the API."""
    segmentation_internal_port: Port | None = None
    """If set, health, metrics and requests between processes are served only on this port."""
    segmentation_url: str | None = None
    """The URL at which other processes of this service reach this one. Unless set, derived from host and port."""
    segmentation_snapshot_seconds: Annotated[float, Field(gt=0)] = 120.0
    """Seconds between two snapshots of a slice of the image."""

    @property
    def own_url(self) -> str:
        """The URL at which other processes of this service reach this one."""
        if self.segmentation_url is not None:
            return self.segmentation_url.rstrip("/")
        host = socket.gethostname() if self.listens_everywhere else self.host
        return f"http://{host}:{self.segmentation_internal_port or self.segmentation_port}"

    @property
    def url_is_unencrypted(self) -> bool:
        """Whether other processes send requests, which contain the secret, to this one over unencrypted HTTP."""
        parts = urlsplit(self.own_url)
        return parts.scheme == "http" and not is_loopback(parts.hostname or "")
