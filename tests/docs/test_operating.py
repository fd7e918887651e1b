"""The commands of how-to pages for operators: their own servers, rejected records, and backups."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import asyncpg
import httpx
import pytest

from deploy.embedded.ports import free_port
from deploy.embedded.postgres import binaries
from shared.bus.producer import IntakeProducer
from shared.settings import CommonSettings
from tests.conftest import TestKafka, TestPostgres
from tests.docs.conftest import Shop, until
from tests.docs.pages import DOCS, shell_blocks
from tests.docs.session import Session, json_objects
from tests.stack.databases import DatabaseServer
from tests.stack.sandbox import OPERATOR_KEY, TOKEN_KEYS, Sandbox

BACKED_UP = ("tracking", "labeling", "segmentation", "workflow", "console", "delivery")


@pytest.fixture
def session(shop: Shop) -> Iterator[Session]:
    session = Session({**shop.environment, "PENCHANT_OPERATOR_KEY": OPERATOR_KEY}, shop.folder)
    yield session
    session.close()


def test_rejected_records_are_listed_shown_and_replayed(shop: Shop, session: Session) -> None:
    status, rejected, _ = shell_blocks("docs/how-to/see-what-is-wrong.md")
    session.run(f"export PENCHANT_HOME={shop.folder}")
    session.run(f"{status.strip()} || [ $? = 3 ]")  # 3, as documented: nothing runs in this folder
    show_all, show, replay = rejected.strip().splitlines()
    others = _rejected(session, show_all)
    asyncio.run(_send_invalid_report(shop))
    (found,) = until(lambda: _rejected(session, show_all) - others)
    assert "no report" in session.run(show.replace("ID", found))
    session.run(replay)
    # The record is still invalid, so it is rejected again.
    until(lambda: _rejected(session, show_all) - others - {found})


def _rejected(session: Session, show_all: str) -> set[str]:
    """Return the ids of rejected records."""
    return {one["id"] for one in json_objects(session.run(f"{show_all} --json"))}


async def _send_invalid_report(shop: Shop) -> None:
    environment = shop.environment
    settings = CommonSettings(
        kafka=environment["PENCHANT_KAFKA"], topic_prefix=environment["PENCHANT_TOPIC_PREFIX"], partitions=4
    )
    producer = IntakeProducer(settings)
    await producer.send("intake.clicks", [(b"key", b"no report", [])], within=30)
    await producer.stop()


def test_a_service_starts_as_documented(kafka: TestKafka, database_dsn: str, topic_prefix: str, shop: Shop) -> None:
    to_kafka, to_postgres, start = shell_blocks("docs/how-to/own-kafka-and-postgresql.md")
    settings = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    named = [line.removeprefix("export ").partition("=")[0] for line in (to_kafka + to_postgres).splitlines()]
    assert [name for name in named if f"`{name}`" not in settings] == []
    # The servers of the page do not exist; those of the tests need no password.
    bootstrap, *_ = to_kafka.splitlines()
    (database,) = to_postgres.splitlines()
    (labeling,) = [line for line in start.splitlines() if "labeling" in line]
    port = free_port()
    environment = {
        **{name: value for name, value in shop.environment.items() if not name.startswith("PENCHANT_")},
        "PENCHANT_TOPIC_PREFIX": topic_prefix,
        "PENCHANT_PARTITIONS": "2",
        "PENCHANT_LABELING_PORT": str(port),
        "PENCHANT_TRACKING_KEYS": TOKEN_KEYS,
        "PENCHANT_HOME": str(shop.folder),
    }
    session = Session(environment, shop.folder)
    try:
        session.run(f"{bootstrap.partition('=')[0]}={kafka.bootstrap}")
        session.run(f"{database.partition('=')[0]}={database_dsn}")
        session.run(f"{labeling} > labeling.log 2>&1 &")
        log = shop.folder / "labeling.log"
        until(lambda: _is_ready(f"http://127.0.0.1:{port}"), lambda: log.read_text(encoding="utf-8"))
    finally:
        session.close()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def test_a_backup_of_all_databases_can_be_restored(
    services: tuple[Sandbox, dict[str, str]], postgres: TestPostgres, shop: Shop
) -> None:
    sandbox, _ = services
    (dump,) = shell_blocks("docs/how-to/back-up-and-upgrade.md")
    contact = shop.contact("anna@shop.example")
    environment = {
        **shop.environment,
        **{f"PENCHANT_{service.upper()}_DATABASE": sandbox.database(service) for service in BACKED_UP},
        "PATH": f"{binaries()}{os.pathsep}{shop.environment['PATH']}",
    }
    session = Session(environment, shop.folder)
    try:
        session.run(dump)
        assert {file.stem for file in shop.folder.glob("*.dump")} == set(BACKED_UP)
        for service in BACKED_UP:
            with _empty_database(postgres) as dsn:
                session.run(f"pg_restore --exit-on-error --dbname {dsn} {service}.dump")
                assert asyncio.run(_migrations(dsn)) == asyncio.run(_migrations(sandbox.database(service)))
                if service == "labeling":
                    assert asyncio.run(_addresses(dsn, shop.account_id)) == [(contact, "anna@shop.example")]
    finally:
        session.close()


@contextmanager
def _empty_database(postgres: DatabaseServer) -> Iterator[str]:
    name = f"restored_{uuid4().hex}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


async def _rows(dsn: str, query: str, *arguments: object) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(query, *arguments)]
    finally:
        await connection.close()


async def _migrations(dsn: str) -> list[tuple[object, ...]]:
    """Return the migrations that were applied to a database."""
    return await _rows(dsn, "SELECT migration_id FROM _pogo_migration ORDER BY migration_id")


async def _addresses(dsn: str, account_id: int) -> list[tuple[object, ...]]:
    return await _rows(dsn, "SELECT contact_id, email FROM contacts WHERE account_id = $1", account_id)
