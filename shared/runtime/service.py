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
    """What the runtime gives to a service; all of it is ready for use.

    `relay.delay` (seconds) and `relay.backlog` (events) tell bulk work when to wait.
    """

    settings: CommonSettings
    database: Database
    catalog: Catalog
    intake: IntakeProducer
    relay: Relay

    def for_request(self, request: Request) -> "Resources":
        """Return these for the effects of one request, which mark its idempotency key as used."""
        database = database_of(request, self.database)
        return self if database is self.database else replace(self, database=database)

    async def acknowledged(self, work: UnitOfWork) -> bool:
        """Wait until Kafka has what a catalog unit of work appended, 1 s at most (reading one's own writes)."""
        return await published(self.database, CATALOG_PARTITION, work.positions.get(CATALOG_PARTITION))


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """What a service is made of.

    `routers` are served with the role `api`, and so are `public_routers` (pages that a mail leads to; on a port of
    their own if one is set); `internal_routers` (for the service's own processes) with any role. `state` is found by
    them as `request.app.state.service`. `consumers` and `worker_tasks` run with the role `worker`, `api_tasks`
    with `api`: each for as long as the process lives, ended by cancellation; one that fails ends the process. `raw`
    answers the paths below `/c/`.
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

    `catalogs` are the catalog topics that it reads before anything else (`labeling.keys` comes by itself). `build`
    is called once all that is ready.
    """

    name: str
    settings: type[CommonSettings]
    migrations: Path
    catalogs: tuple[str, ...]
    build: Callable[[Resources], Awaitable[ServiceParts]]
    description: str = ""
    version: str = field(default="0.1.0")
