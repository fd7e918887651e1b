"""Which paths a process serves on which port.

The API port serves everything, unless another port is set. With `<name>_public_port`, tracked links and the pages
linked from mails are served only there. With `<name>_internal_port`, health, metrics and requests between processes of
the service are served only there. So a firewall or a proxy can expose one port and nothing else.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter

from shared.http.app import Application, create_app
from shared.http.health import Check
from shared.http.keys import KeyLookup
from shared.http.raw import RawHandler
from shared.http.server import PortTakenError, serve
from shared.runtime.service import ServiceDefinition, ServiceParts
from shared.settings import CommonSettings
from shared.store.database import Database


@dataclass(frozen=True, slots=True)
class Door:
    """A port, and the application that it serves."""

    name: str
    port: int
    app: Application
    raw: RawHandler | None = None


def ports_of(service: str, settings: CommonSettings) -> dict[str, int]:
    """Return the configured ports of a service by purpose: `api`, and optionally `public` and `internal`."""
    setting_names = {
        "api": f"{service}_port",
        "public": f"{service}_public_port",
        "internal": f"{service}_internal_port",
    }
    ports = {purpose: getattr(settings, name, None) for purpose, name in setting_names.items()}
    return {purpose: port for purpose, port in ports.items() if port is not None}


@dataclass(frozen=True, slots=True)
class Doors:
    """Builds the applications of a process and serves them."""

    service: ServiceDefinition
    settings: CommonSettings
    keys: KeyLookup | None
    database: Database | None

    def of(
        self, parts: ServiceParts, checks: Sequence[Check], *, has_api: bool, operations: Sequence[APIRouter] = ()
    ) -> list[Door]:
        """Return the doors of a process. `operations` are served on the API port with any role."""
        ports = ports_of(self.service.name, self.settings)
        api_routers = [*operations, *(parts.routers if has_api else ())]
        public_routers = [*parts.public_routers] if has_api else []
        raw = parts.raw if has_api else None
        doors: list[Door] = []
        if "public" in ports and has_api:
            app = self._app(parts, [], public_routers, has_health=False, has_documentation=False)
            doors.append(Door("public", ports["public"], app, raw))
            public_routers, raw = [], None
        has_internal = "internal" in ports
        if has_internal:
            app = self._app(parts, checks, parts.internal_routers, has_health=True, has_documentation=False)
            doors.append(Door("internal", ports["internal"], app))
        routers = [*([] if has_internal else parts.internal_routers), *api_routers, *public_routers]
        app = self._app(parts, checks, routers, has_health=not has_internal, has_documentation=True)
        return [Door("api", ports["api"], app, raw), *doors]

    def _app(
        self,
        parts: ServiceParts,
        checks: Sequence[Check],
        routers: Sequence[APIRouter],
        *,
        has_health: bool,
        has_documentation: bool,
    ) -> Application:
        app = create_app(
            f"Penchant {self.service.name}",
            self.keys,
            self.database,
            description=self.service.description,
            checks=checks,
            operator_key=self.settings.operator_key,
            requests_per_second=self.settings.requests_per_second,
            has_health=has_health,
            has_documentation=has_documentation,
        )
        app.state.service = parts.state
        for router in routers:
            app.include_router(router)
        return app


async def serve_doors(
    doors: Sequence[Door], settings: CommonSettings, stop: asyncio.Event, listening: Callable[[str, int], None]
) -> None:
    """Serve all doors until `stop` is set; `listening` is called with the name and port of each.

    Raises PortTakenError if one cannot be opened; the others are then closed.
    """
    proxies = [proxy.strip() for proxy in settings.trusted_proxies.split(",") if proxy.strip()]
    try:
        async with asyncio.TaskGroup() as group:
            for door in doors:
                group.create_task(
                    serve(
                        door.app, settings.host, door.port, stop=stop, raw=door.raw, trusted_proxies=proxies,
                        listening=partial(listening, door.name),
                    )
                )  # fmt: skip
    except* PortTakenError as taken:
        raise taken.exceptions[0] from None
