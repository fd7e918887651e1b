"""A running labeling process, and accounts in it."""

import base64
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.conftest import TestKafka, TestPostgres
from tests.stack.processes import ServiceProcess

OPERATOR = "the operator's secret"
TOKEN_KEYS = "test:" + base64.b64encode(bytes(32)).decode()


@dataclass(frozen=True, slots=True)
class Running:
    """A process with a database and topics of its own."""

    process: ServiceProcess
    dsn: str
    bootstrap: str
    prefix: str


class Account(httpx.Client):
    """A client that has its own account and a key of that account."""

    account_id: int
    open_clients: ExitStack

    def make(self, path: str, body: Any) -> Any:
        """Send a POST request; return the JSON of the response."""
        answer = self.post(path, json=body)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()

    def with_key(self, *scopes: str) -> "Account":
        """Return a client of the same account with another key."""
        key = self.make("/v1/keys", {"name": "another", "scopes": scopes})["key"]
        return client(str(self.base_url), self.account_id, key, self.open_clients)


def client(url: str, account_id: int, key: str, open_clients: ExitStack) -> Account:
    """Return a client of an account, closed with `open_clients`."""
    account = Account(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=10)
    account.account_id, account.open_clients = account_id, open_clients
    return open_clients.enter_context(account)


@pytest.fixture(scope="package")
def running(kafka: TestKafka, postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Provide labeling with both roles, for all tests of this folder."""
    name, prefix = f"test_{uuid.uuid4().hex}", f"t{uuid.uuid4().hex[:12]}."
    dsn = postgres.create_database(name)
    environment = {
        "PENCHANT_KAFKA": kafka.bootstrap,
        "PENCHANT_TOPIC_PREFIX": prefix,
        "PENCHANT_PARTITIONS": "3",
        "PENCHANT_LABELING_DATABASE": dsn,
        "PENCHANT_OPERATOR_KEY": OPERATOR,
        "PENCHANT_TRACKING_KEYS": TOKEN_KEYS,
    }
    log = tmp_path_factory.mktemp("labeling") / "log"
    process = ServiceProcess("services.labeling", environment, log, "PENCHANT_LABELING_PORT", forked=True)
    try:
        process.start()
        yield Running(process, dsn, kafka.bootstrap, prefix)
        assert process.terminate() == 0, process.tail()
    finally:
        process.end()
        kafka.delete_topics(prefix)
        postgres.drop_database(name)


@pytest.fixture
def new_account(running: Running) -> Iterator[Callable[[], Account]]:
    """Provide a function that creates accounts."""
    open_clients = ExitStack()

    def make() -> Account:
        body = {"name": "Pet shop", "time_zone": "Europe/Brussels"}
        headers = {"Authorization": f"Bearer {OPERATOR}"}
        made = httpx.post(f"{running.process.url}/v1/accounts", json=body, headers=headers, timeout=10)
        assert made.status_code == 201, made.text
        return client(running.process.url, made.json()["account_id"], made.json()["api_key"], open_clients)

    with open_clients:
        yield make


@pytest.fixture
def account(new_account: Callable[[], Account]) -> Account:
    """Provide an empty account."""
    return new_account()


@pytest.fixture
def public(running: Running) -> Iterator[httpx.Client]:
    """Provide a browser: a client that has no key and follows no redirects."""
    with httpx.Client(base_url=running.process.url, timeout=10) as browser:
        yield browser
