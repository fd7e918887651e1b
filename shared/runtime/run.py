"""Starts a service by its roles, and ends it cleanly on SIGTERM."""

import argparse
import asyncio
import gc
import signal
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
import uvloop
from pydantic import SecretStr, ValidationError

from shared.bus.catalog import Catalog
from shared.bus.connection import travels_in_clear
from shared.bus.dead_letters import DeadLetters
from shared.bus.errors import is_passing
from shared.bus.guard import check_cluster
from shared.bus.host import ConsumerHost
from shared.bus.producer import IntakeProducer
from shared.bus.publisher import Publisher
from shared.bus.relay import Relay
from shared.bus.topics import ensure_topics
from shared.http.health import Check
from shared.http.server import PortTakenError
from shared.logs import configure_logging
from shared.retrying import until_it_works
from shared.runtime.adopt import adopt_cluster
from shared.runtime.doors import Doors, ports_of, serve_doors
from shared.runtime.held_records import held_router
from shared.runtime.loop_watch import LoopWatch
from shared.runtime.republish import republish
from shared.runtime.service import Resources, ServiceDefinition, ServiceParts
from shared.runtime.waiting import WaitingRoom
from shared.settings import CommonSettings, problems_of
from shared.store.database import Database
from shared.store.errors import UnsafeToRun
from shared.store.event_tables import extend_event_tables
from shared.store.listener import listen
from shared.tracing import configure_tracing, stop_tracing

log = structlog.get_logger()

REFUSED, FAILED, PORT_TAKEN = 78, 70, 73  # exit codes, after sysexits: configuration, software, can't create
KAFKA_ANSWERS_WITHIN = 1.8  # seconds; the health page waits 2 s for each check
KEYS = "labeling.keys"
# Consumers create tens of thousands of objects without reference cycles, and searching them for cycles takes a third of
# a consumer's time with Python's default threshold of 700, a sixth with 50,000. The garbage that may accumulate is
# bounded by the records that a consumer keeps in memory (`bus.host`).
COLLECT_AFTER = (1_000_000, 5, 20)
# While another thread computes, the event loop waits this long for the interpreter's lock. With Python's default of
# 5 ms, an answer that takes several iterations of the loop waits as often.
SWITCH_AFTER = 0.0005  # seconds


def run(service: ServiceDefinition) -> None:
    """Run a process of `service` from its start to its end, and exit with its code.

    0: stopped; 2: wrong arguments or settings; 70: a failure, start it again; 73: the port is taken; 78: unsafe to run,
    the reason was printed.
    """
    arguments = _arguments(service)
    try:
        settings = service.settings()
    except ValidationError as error:
        sys.stderr.write(f"{service.name}: the settings are not valid\n{problems_of(error)}\n")
        sys.exit(2)
    gc.set_threshold(*COLLECT_AFTER)
    sys.setswitchinterval(SWITCH_AFTER)
    configure_logging(service.name, settings.log_level)
    configure_tracing(service.name, settings.otlp_endpoint)
    try:
        if arguments.command == "republish":
            sys.exit(uvloop.run(republish(service, settings, arguments.topics)))
        if arguments.command == "adopt-cluster":
            sys.exit(uvloop.run(adopt_cluster(service, settings)))
        sys.exit(uvloop.run(_Process(service, settings, arguments.roles).run()))
    finally:
        stop_tracing()


def _arguments(service: ServiceDefinition) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m services.{service.name}", description=service.description)
    parser.add_argument("--role", dest="roles", choices=("api", "worker"), action="append", help="default: both")
    commands = parser.add_subparsers(dest="command")
    republish_parser = commands.add_parser(
        "republish", help="publish topics again from the event table; the service must be stopped"
    )
    republish_parser.add_argument("topics", nargs="+", metavar="topic")
    commands.add_parser(
        "adopt-cluster",
        help="bind the database to the Kafka cluster that answers now, after all topics were published to it again",
    )
    arguments = parser.parse_args()
    arguments.roles = frozenset(arguments.roles or ("api", "worker"))
    return arguments


@dataclass
class _Process:
    service: ServiceDefinition
    settings: CommonSettings
    roles: frozenset[str]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set["asyncio.Task[Any]"] = field(default_factory=set)
    hosts: list[ConsumerHost] = field(default_factory=list)
    failed: BaseException | None = None
    waiting: WaitingRoom = field(init=False)

    def __post_init__(self) -> None:
        ports = ports_of(self.service.name, self.settings)
        self.waiting = WaitingRoom(self._title, self.settings, list(ports.values()), self._fail)

    async def run(self) -> int:
        """Run the process from start to end; return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.stop.set)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.waiting.close)
            try:
                work = asyncio.create_task(self._work(stack))
                stopped = asyncio.create_task(self.stop.wait())
                await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not work.done():
                    # The server stops by itself on `stop`; a process that is still starting is cancelled below.
                    await asyncio.wait({work}, timeout=4)
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                self._raise_failure(work)
            except UnsafeToRun as error:
                log.critical("refused", reason=str(error))
                return REFUSED
            except PortTakenError as error:
                log.critical("port taken", reason=str(error))
                return PORT_TAKEN
            except Exception:
                log.critical("failed", exc_info=True)
                return FAILED
        return 0

    def _raise_failure(self, work: "asyncio.Task[None]") -> None:
        error = None if work.cancelled() else work.exception()
        if error is not None or self.failed is not None:
            raise error or self.failed or RuntimeError

    async def _work(self, stack: AsyncExitStack) -> None:
        database = await self._open_database()
        stack.push_async_callback(database.close)
        cluster = await self._check_kafka(database)
        catalog = Catalog(self.settings, sorted({KEYS, *self.service.catalogs}))
        stack.push_async_callback(catalog.stop)
        intake = IntakeProducer(self.settings)
        stack.push_async_callback(intake.stop)
        relay = Relay(database, lambda: Publisher(self.service.name, self.settings))
        resources = Resources(self.settings, database, catalog, intake, relay)
        await self._retry("catalogs", catalog.start)
        parts = await self.service.build(resources)
        if parts.close is not None:
            stack.push_async_callback(parts.close)
        stack.push_async_callback(self._end_tasks)
        self._start(catalog.watch())
        self._start(relay.watch())
        self._start(LoopWatch().run())
        callbacks = {"events": relay.wake}
        if "worker" in self.roles:
            consumers = [consumer.name for consumer in parts.consumers]
            dead = DeadLetters(database, intake, self.service.name, consumers, lambda: relay.leads)

            def held_changed() -> None:
                dead.wake()
                for host in self.hosts:
                    host.held_changed()

            callbacks["held"] = held_changed
            self._start(relay.run())
            self._start(dead.run())
            await self._start_consumers(parts, resources, cluster, stack)
            for build_task in parts.worker_tasks:
                self._start(build_task())
        if "api" in self.roles:
            for build_task in parts.api_tasks:
                self._start(build_task())
        self._start(listen(self._dsn, callbacks))
        await self._serve(parts, resources)

    @property
    def _dsn(self) -> str:
        secret: SecretStr = getattr(self.settings, f"{self.service.name}_database")
        return secret.get_secret_value()

    @property
    def _title(self) -> str:
        return f"Penchant {self.service.name}"

    @property
    def _port(self) -> int:
        port: int = getattr(self.settings, f"{self.service.name}_port")
        return port

    async def _retry(self, server: str, attempt: Any) -> Any:  # noqa: ANN401
        """Retry until the servers answer; meanwhile the health pages name those that do not."""
        return await until_it_works(server, attempt, is_passing, partial(self.waiting.wait_for, server))

    async def _open_database(self) -> Database:
        async def attempt() -> Database:
            database = await Database.open(self._dsn, self.settings.partitions)
            try:
                await database.migrate([self.service.migrations])
                async with database.pool.acquire() as connection:
                    await extend_event_tables(connection)
            except BaseException:
                await database.close()
                raise
            return database

        opened: Database = await self._retry("PostgreSQL", attempt)
        return opened

    async def _check_kafka(self, database: Database) -> str:
        if travels_in_clear(self.settings):
            log.warning(
                "the connection to Kafka is not encrypted: set PENCHANT_KAFKA_SECURITY_PROTOCOL",
                kafka=self.settings.kafka,
            )

        async def attempt() -> str:
            await ensure_topics(self.settings)
            return await check_cluster(self.service.name, self.settings, database)

        cluster: str = await self._retry("Kafka", attempt)
        return cluster

    async def _start_consumers(
        self, parts: ServiceParts, resources: Resources, cluster: str, stack: AsyncExitStack
    ) -> None:
        relay = resources.relay
        for consumer in parts.consumers:
            host = ConsumerHost(
                consumer, self.service.name, self.settings, resources.database, cluster,
                self.settings.instance_name(self._port), lambda: relay.backlog, catalog=resources.catalog,
            )  # fmt: skip
            stack.push_async_callback(host.stop)
            await self._retry("Kafka", host.start)
            self.hosts.append(host)
            self._start(_wait_for_failure(host))

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self.tasks.discard(task)
        if not task.cancelled() and not self.stop.is_set():
            # All tasks must run as long as the process, so end it.
            self._fail(task.exception() or RuntimeError(f"{task.get_coro()} ended unexpectedly"))

    def _fail(self, error: BaseException) -> None:
        self.failed = error
        self.stop.set()

    async def _end_tasks(self) -> None:
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _serve(self, parts: ServiceParts, resources: Resources) -> None:
        checks = [
            *parts.checks,
            Check("kafka", partial(_kafka_ready, resources.catalog)),
            Check("consumers", self._consumers_ready),
        ]
        doors = Doors(self.service, self.settings, resources.catalog, resources.database).of(
            parts,
            checks,
            has_api="api" in self.roles,
            operations=[held_router(self.service.name, resources.database)],
        )
        await self.waiting.close()
        await serve_doors(doors, self.settings, self.stop, self._listening)

    def _listening(self, door: str, port: int) -> None:
        log.info("listening", door=door, port=port, roles=sorted(self.roles))

    async def _consumers_ready(self) -> str | None:
        return "; ".join(trouble for host in self.hosts for trouble in host.troubles()) or None


async def _kafka_ready(catalog: Catalog) -> str | None:
    if await catalog.refresh(KAFKA_ANSWERS_WITHIN):
        return None
    return catalog.trouble or "Kafka does not answer"


async def _wait_for_failure(host: ConsumerHost) -> None:
    await host.failure
