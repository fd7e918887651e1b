"""The embedded stack: Kafka, PostgreSQL and the services, started in order, stopped in order."""

import asyncio
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from http.client import HTTPException
from xmlrpc.client import Fault

import asyncpg
import httpx
from aiokafka.errors import KafkaError

from deploy.embedded.account import delivery_key, first_account
from deploy.embedded.databases import ensure_databases
from deploy.embedded.error import StackError
from deploy.embedded.home import POLL_SECONDS, Home
from deploy.embedded.kafka import Kafka
from deploy.embedded.orphans import describe, end_orphans, has_orphans
from deploy.embedded.ports import HOST, choose_ports, holder, is_free, listens
from deploy.embedded.postgres import Postgres
from deploy.embedded.private_file import write_private
from deploy.embedded.process import Command
from deploy.embedded.readiness import (
    Check,
    Unready,
    broker_unready,
    database_unready,
    service_unready,
    wait_until_ready,
)
from deploy.embedded.secrets import Secrets
from deploy.embedded.services import SERVICES, STARTED_FIRST, STARTED_LAST
from deploy.embedded.settings import StackSettings
from deploy.embedded.stack_file import StackFile, record_pids
from deploy.embedded.supervisor import STOPPED_MEANWHILE, STOPS_WITHIN_SECONDS, Supervisor, launch
from shared.bus.topics import ensure_topics
from shared.store.errors import UnsafeToRun

READY_WITHIN_SECONDS = 180.0
STARTS_BEFORE_GIVING_UP = 4
LOG_TAIL_CHARACTERS = 1500

Say = Callable[[str], None]

STARTS_WITHIN_SECONDS = 60.0  # until a start in progress can be stopped
# Raised when a server does not start, or ends meanwhile. A short message is enough for these.
EXPECTED_ERRORS = (
    UnsafeToRun,
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    KafkaError,
    httpx.HTTPError,
    HTTPException,
    Fault,
)


Environments = dict[str, dict[str, str]]  # of each service


def start(
    settings: StackSettings, say: Say, before_services: Callable[[Environments], None] = lambda _: None
) -> StackFile:
    """Start everything, wait until it is ready, and return the running processes.

    Existing data is reused, so an interrupted start can be repeated. `before_services` is called when Kafka
    and PostgreSQL are ready, with the environment of each service. If something does not start, the started
    processes are stopped, and StackError is raised.
    """
    home = Home.at(settings.home)
    home.make()
    try:
        lock = home.lock()
    except StackError as problem:
        raise StackError(why_in_use(home)) from problem
    try:
        parts = _StackParts.create(settings, home, say)
        supervisor = parts.launch(lock, say)
    except OSError as problem:
        raise StackError(f"{home.path} could not be prepared: {problem}") from problem
    finally:
        os.close(lock)  # supervisor holds it now, if it started
    try:
        return asyncio.run(_bring_up(parts, supervisor, say, before_services))
    except BaseException as problem:
        if _was_stopped_by_another_command(home, supervisor):
            home.is_free_within(STOPS_WITHIN_SECONDS)
            raise StackError(STOPPED_MEANWHILE) from problem
        say("Stopping the processes that were started.")
        stop(home)
        if isinstance(problem, EXPECTED_ERRORS):
            raise StackError(str(problem) or type(problem).__name__) from problem
        raise


def _was_stopped_by_another_command(home: Home, supervisor: Supervisor) -> bool:
    condition = supervisor.condition()
    # Supervisor removes its socket when its processes have ended, and holds the lock for a moment longer. If it was
    # killed, its processes still run.
    return condition == "stopping" or (condition == "absent" and not has_orphans(home))


def stop(home: Home) -> None:
    """Stop everything that runs on `home`, in order; the data stays.

    A start in progress in another command is stopped as soon as possible. Raises StackError if a process does not end.
    """
    supervisor = Supervisor(home)
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while home.is_locked():
        if supervisor.condition() != "absent":
            supervisor.stop_all()
        elif has_orphans(home):
            end_orphans(home)
        elif time.monotonic() > deadline:
            raise StackError(f"{home.path} is in use by {describe(home)}, which is starting or stopping. Try again.")
        else:
            time.sleep(POLL_SECONDS)  # the other command holds the lock, and does not notify others when it releases it
    _clean_up(home)


def _clean_up(home: Home) -> None:
    try:
        lock = home.lock()
    except StackError:
        return  # another command has started it again meanwhile
    try:
        home.remove_control_socket()
        record_pids(home, {})
    finally:
        os.close(lock)


def why_in_use(home: Home) -> str:
    """Return which processes hold the lock of `home`, and what to do."""
    supervisor = Supervisor(home)
    if (condition := supervisor.condition()) == "working":
        try:
            waiting = [name for name, state in supervisor.states().items() if state == "STOPPED"]
        except (OSError, HTTPException, Fault):
            condition, waiting = "stopping", []
    if condition == "stopping":
        return f"Penchant on {home.path} is stopping. Start it again once it has stopped."
    if condition == "working":
        if waiting:
            return (
                f"Penchant on {home.path} is not started completely ({', '.join(waiting)} missing): another command is "
                "starting it, or was interrupted. `penchant down` stops it; then start again."
            )
        return f"Penchant already runs on {home.path}: `penchant status` shows it, `penchant down` stops it."
    if StackFile.read(home) is None:
        return f"{home.path} is in use by {describe(home)}, which is starting or stopping."
    return (
        f"{home.path} is in use by {describe(home)}: it is starting or stopping, or its supervisor was killed. "
        "`penchant down` ends the remaining processes."
    )


@dataclass(frozen=True, slots=True)
class _StackParts:
    """The processes to run, with their ports and folders."""

    settings: StackSettings
    home: Home
    secrets: Secrets
    kafka: Kafka
    postgres: Postgres
    ports: dict[str, int]

    @classmethod
    def create(cls, settings: StackSettings, home: Home, say: Say) -> "_StackParts":
        ports = choose_ports(home, settings.configured_ports(), settings.ports_set_by_user(), say)
        secrets = Secrets.kept(home)
        kafka = Kafka(home.path / "kafka", ports["kafka"], ports["kafka_controller"])
        postgres = Postgres(home.path / "postgres", ports["postgres"], secrets.postgres)
        return cls(settings.model_copy(update={"kafka": kafka.bootstrap}), home, secrets, kafka, postgres, ports)

    def launch(self, lock: int, say: Say) -> Supervisor:
        groups = {
            "stores": {"kafka": self.kafka.prepare(say), "postgres": self.postgres.prepare(say)},
            "services": {name: self.service(name) for name in STARTED_FIRST},
            "mail": {"inbox": self._inbox(), **{name: self.service(name) for name in STARTED_LAST}},
        }
        return launch(self.home, lock, groups)

    def _inbox(self) -> Command:
        module = (sys.executable, "-m", "deploy.embedded.inbox")
        return Command((*module, str(self.home.inbox), str(self.ports["inbox"])))

    def stack_file(self) -> StackFile:
        account = self.secrets.account
        return StackFile(
            kafka=self.kafka.bootstrap,
            databases={name: self._dsn(name) for name in SERVICES},
            urls={name: self.url(name) for name in SERVICES},
            public_url=self._public_url,
            partitions=self.settings.partitions,
            account_id=account and account.account_id,
            api_key=account and account.api_key,
            operator_key=self._operator_key,
        )

    def ports_of(self, name: str) -> list[int]:
        """Return every port that the process of this name listens on."""
        return [port for server, port in self.ports.items() if server == name or server.startswith(f"{name}_")]

    def url(self, service: str) -> str:
        return f"http://{HOST if self.settings.listens_everywhere else self.settings.host}:{self.ports[service]}"

    @property
    def _public_url(self) -> str:
        return self.settings.public_url if "public_url" in self.settings.model_fields_set else self.url("tracking")

    @property
    def _operator_key(self) -> str:
        configured = self.settings.operator_key
        return configured.get_secret_value() if configured else self.secrets.operator_key

    def _dsn(self, service: str) -> str:
        return self.postgres.dsn(service, service, self.secrets.databases[service])

    def service(self, service: str) -> Command:
        prefix = f"PENCHANT_{service.upper()}"
        environment = {
            "PENCHANT_HOME": str(self.home.path),
            "PENCHANT_KAFKA": self.kafka.bootstrap,
            "PENCHANT_PARTITIONS": str(self.settings.partitions),
            "PENCHANT_HOST": self.settings.host,
            "PENCHANT_PUBLIC_URL": self._public_url,
            "PENCHANT_OPERATOR_KEY": self._operator_key,
            f"{prefix}_PORT": str(self.ports[service]),
            # Overrides a variable that the shell may have from `penchant env` of another stack.
            f"{prefix}_URL": self.url(service),
            f"{prefix}_DATABASE": self._dsn(service),
        }
        if service in ("tracking", "labeling"):
            configured = self.settings.tracking_keys
            environment["PENCHANT_TRACKING_KEYS"] = (
                configured.get_secret_value() if configured else self.secrets.tracking_keys
            )
        if service == "console":
            environment.update(self._console_environment())
        if service == "delivery":
            environment.update(self._delivery_environment())
        return Command((sys.executable, "-m", f"services.{service}"), environment)

    def _delivery_environment(self) -> dict[str, str]:
        configured = self.settings.smtp
        return {
            "PENCHANT_SMTP": configured.get_secret_value() if configured else f"smtp://{HOST}:{self.ports['inbox']}",
            "PENCHANT_TRACKING_URL": self.url("tracking"),
            "PENCHANT_PREFERENCES_URL": self.url("labeling"),
            "PENCHANT_SECRETS_FOLDER": str(self.home.delivery_secrets),
        }

    def _console_environment(self) -> dict[str, str]:
        configured = self.settings.console_secret
        others = {f"PENCHANT_{name.upper()}_URL": self.url(name) for name in SERVICES if name != "console"}
        secret = configured.get_secret_value() if configured else self.secrets.console_secret
        return {**others, "PENCHANT_CONSOLE_SECRET": secret, "PENCHANT_INBOX": str(self.home.inbox)}


async def _bring_up(
    parts: _StackParts, supervisor: Supervisor, say: Say, before_services: Callable[[Environments], None]
) -> StackFile:
    parts.stack_file().write(parts.home)
    monitor = _StartMonitor(parts, supervisor)

    say("Starting Kafka and PostgreSQL")
    supervisor.start_group("stores")
    checks = {
        "kafka": partial(broker_unready, parts.settings),
        "postgres": partial(database_unready, parts.postgres.dsn()),
    }
    took = await monitor.wait(checks)
    say(f"Kafka ready after {took['kafka']:.1f} s, PostgreSQL after {took['postgres']:.1f} s")
    new_databases = await ensure_databases(parts.postgres.dsn(), parts.secrets.databases)
    new_topics = await ensure_topics(parts.settings)
    if new_databases or new_topics:
        say(f"Created {len(new_databases)} databases and {len(new_topics)} topics")

    await asyncio.to_thread(before_services, {name: dict(parts.service(name).environment) for name in SERVICES})

    say(f"Starting {', '.join(SERVICES)}")
    supervisor.start_group("services")
    urls = parts.stack_file().urls
    took = await monitor.wait({name: partial(service_unready, urls[name]) for name in STARTED_FIRST})
    parts = await _create_missing_keys(parts, urls["labeling"])
    supervisor.start_group("mail")
    took |= await monitor.wait({name: partial(service_unready, urls[name]) for name in STARTED_LAST})
    say(f"Services ready after {max(took.values()):.1f} s")
    running = parts.stack_file().model_copy(update={"pids": supervisor.pids()})
    running.write(parts.home)
    return running


async def _create_missing_keys(parts: _StackParts, labeling: str) -> _StackParts:
    """Create the keys that the stack does not have yet, and write delivery's to its folder of secrets."""
    operator_key = parts.stack_file().operator_key
    if parts.secrets.account is None:
        account = await first_account(labeling, operator_key, parts.secrets.account_request)
        parts = replace(parts, secrets=parts.secrets.with_account(parts.home, account))
    if parts.secrets.delivery_key is None:
        key = await delivery_key(labeling, operator_key)
        parts = replace(parts, secrets=parts.secrets.with_delivery_key(parts.home, key))
    parts.home.delivery_secrets.mkdir(mode=0o700, exist_ok=True)
    write_private(parts.home.delivery_secrets / "penchant_delivery_key", parts.secrets.delivery_key or "")
    return parts


class _StartMonitor:
    """Waits until the processes that supervisor starts are ready; gives up if one ends repeatedly."""

    def __init__(self, parts: _StackParts, supervisor: Supervisor) -> None:
        self._parts = parts
        self._supervisor = supervisor
        self._seen_pids: dict[str, set[int]] = defaultdict(set)

    async def wait(self, checks: Mapping[str, Check]) -> dict[str, float]:
        """Wait until all `checks` succeed, and each answer comes from the process that was started."""
        own_checks = {name: partial(self._unready, name, check) for name, check in checks.items()}
        return await wait_until_ready(own_checks, READY_WITHIN_SECONDS, self._give_up_reason)

    async def _unready(self, name: str, check: Check) -> Unready:
        pid = self._supervisor.pids().get(name)
        for port in self._parts.ports_of(name):
            if pid is None or not listens(pid, port):
                return f"it does not listen on port {port}"
        return await check()

    def _give_up_reason(self, name: str) -> str | None:
        for process, pid in self._supervisor.pids().items():
            self._seen_pids[process].add(pid)
        if len(self._seen_pids[name]) < STARTS_BEFORE_GIVING_UP:
            return None
        for port in self._parts.ports_of(name):
            if not is_free(port) and not any(listens(pid, port) for pid in self._seen_pids[name]):
                return (
                    f"Port {port} was taken{holder(port)} while {name} started. Start again: it will use another port."
                )
        log = self._parts.home.logs / f"{name}.log"
        tail = log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]
        return f"{name} ends repeatedly. The end of {log}:\n{tail}"
