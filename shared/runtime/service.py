"""The definition of a service, its parts, and the resources that the runtime provides."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request

from shared.bus.catalog import Catalog
from shared.bus.handler import Consumer
from shared.bus.producer import IntakeProducer
from shared.bus.relay import Relay, published
from shared.events.topics import CATALOG_PARTITION
from shared.http.health import Check
from shared.http.idempotency import database_of
from shared.http.raw import RawHandler
from shared.settings import CommonSettings
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources that the runtime provides to a service, ready for use.

    `relay.delay` (seconds) and `relay.backlog` (events) tell bulk work when to wait.
    """

    settings: CommonSettings
    database: Database
    catalog: Catalog
    intake: IntakeProducer
    relay: Relay

    def for_request(self, request: Request) -> "Resources":
        """Return resources for one request, whose effects mark its idempotency key as used."""
        database = database_of(request, self.database)
        return self if database is self.database else replace(self, database=database)

    async def acknowledged(self, work: UnitOfWork) -> bool:
        """Wait, at most 1 s, until Kafka has the events of a catalog unit of work, so that a client reads its own
        writes."""
        return await published(self.database, CATALOG_PARTITION, work.positions.get(CATALOG_PARTITION))


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """The parts of a service.

    `routers` are served with the role `api`, and so are `public_routers` (pages linked from mails; on a port of their
    own if one is set); `internal_routers` (for the service's own processes) are served with any role. Endpoints find
    `state` as `request.app.state.service`. `consumers` and `worker_tasks` run with the role `worker`, `api_tasks` with
    `api`, until they are cancelled when the process ends; a task that fails ends the process. `raw` answers the paths
    below `/c/`.
    """

    routers: Sequence[APIRouter] = ()
    public_routers: Sequence[APIRouter] = ()
    internal_routers: Sequence[APIRouter] = ()
    state: object = None
    consumers: Sequence[Consumer] = ()
    worker_tasks: Sequence[Callable[[], Coroutine[Any, Any, None]]] = ()
    api_tasks: Sequence[Callable[[], Coroutine[Any, Any, None]]] = ()
    raw: RawHandler | None = None
    checks: Sequence[Check] = ()
    close: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class ServiceDefinition:
    """A service by name. Its settings have `<name>_database` and `<name>_port`.

    They may have `<name>_public_port` and `<name>_internal_port`: see `shared.runtime.doors`.

    `catalogs` are the catalog topics that it reads before anything else (`labeling.keys` is always included). `build`
    is called once they have been read.
    """

    name: str
    settings: type[CommonSettings]
    migrations: Path
    catalogs: tuple[str, ...]
    build: Callable[[Resources], Awaitable[ServiceParts]]
    description: str = ""
    version: str = field(default="0.1.0")
