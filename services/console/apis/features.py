"""Reads the paths of the APIs from their OpenAPI documents, so that pages match services of other releases."""

import asyncio
from collections.abc import Sequence
from time import monotonic

from services.console.apis.client import Json, Platform, ServiceName, Unreachable

_SERVICES: tuple[ServiceName, ...] = ("tracking", "labeling", "segmentation", "workflow")
CACHED_FOR = 60.0  # seconds; an upgraded service may have new features


class Features:
    """Paths and query parameters of the services."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._paths: dict[ServiceName, Json] = {}
        self._read_at = -CACHED_FOR
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Read the documents again if they are old; keep the old one of a service that does not answer."""
        if monotonic() - self._read_at < CACHED_FOR:
            return
        async with self._lock:
            if monotonic() - self._read_at < CACHED_FOR:
                return
            answers = await asyncio.gather(*(self._read_paths(service) for service in _SERVICES))
            self._paths.update({service: paths for service, paths in zip(_SERVICES, answers, strict=True) if paths})
            self._read_at = monotonic()

    def has(self, service: ServiceName, path: str) -> bool:
        """Return whether the service has this path, spelled as in its document."""
        return path in self._paths.get(service, {})

    def takes(self, service: ServiceName, path: str, parameter: str) -> bool:
        """Return whether a GET of this path takes a query parameter."""
        return any(one.get("name") == parameter for one in self._parameters(service, path))

    def choices(self, service: ServiceName, path: str, parameter: str) -> Sequence[str]:
        """Return the values that a query parameter of a GET of this path may have; none without the parameter."""
        schemas = (one["schema"] for one in self._parameters(service, path) if one.get("name") == parameter)
        return next((schema.get("enum", ()) for schema in schemas), ())

    def _parameters(self, service: ServiceName, path: str) -> Sequence[Json]:
        operation = self._paths.get(service, {}).get(path, {}).get("get", {})
        parameters: Sequence[Json] = operation.get("parameters", [])
        return parameters

    async def _read_paths(self, service: ServiceName) -> Json:
        try:
            answer = await self._platform.send(service, "GET", "/openapi.json")
        except Unreachable:
            return {}
        paths: Json = answer.json().get("paths", {}) if answer.is_success else {}
        return paths
