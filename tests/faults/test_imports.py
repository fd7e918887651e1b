"""Imports have exact results when workers are killed, servers are restarted or the disk is full."""

import asyncio
import csv
import io
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.faults.checks import distinct_events, fetch
from tests.faults.dice import new_dice
from tests.stack.nodes import KafkaNode, PostgresNode
from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import OPERATOR_KEY, Sandbox
from tests.stack.waiting import until, until_equal

PEOPLE = 3_000
WITHIN = 120.0  # seconds
TAKEOVER = 15.0  # seconds: a lease of 10 s, and the next poll for jobs
LABELS = ("Dogs", "Cats", "Birds")
OPTIONS = {"subscription": {"set": "subscribed", "basis": "The card of the shop."}}
NO_ROOM = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$
"""

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400), pytest.mark.asyncio]


@dataclass
class File:
    """A file of contacts, and the expected result of its import, counted while the file is generated."""

    content: bytes = b""
    cities: dict[str, str] = field(default_factory=dict)
    labels: set[tuple[str, str]] = field(default_factory=set)  # address, name
    refused: int = 0
    rows: int = 0


def random_file(dice: random.Random) -> File:
    """Generate rows of contacts with a city and labels.

    Some contacts occur twice; some rows have an invalid address or an unknown label.
    """
    file, text = File(), io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(["E-mail", "City", "Interesselabels", "Note"])
    for number in range(PEOPLE):
        email = f"person{dice.choice([number, max(number - 1, 0)])}@example.com"
        city, names = f"City {dice.randrange(50)}", dice.sample(LABELS, dice.randrange(3))
        kind = dice.random()
        file.rows += 1
        if kind < 0.02:
            writer.writerow([f"person{number}@nowhere", city, "", ""])
            file.refused += 1
        elif kind < 0.04:
            writer.writerow([email, city, "Dosg", ""])
            file.refused += 1
        else:
            writer.writerow([email, city, ", ".join(names), "x" * 300])
            file.cities[email] = city
            file.labels |= {(email, name) for name in names}
    file.content = text.getvalue().encode()
    return file


class Bulk:
    """An API of labeling, and two workers: one is running, the spare one is paused until it is needed."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.api = sandbox.service("labeling", "api").start()
        self.worker = sandbox.service("labeling", "worker").start()
        self.spare: ServiceProcess | None = None

    async def prepare(self) -> None:
        """Start the workers that are not running, and pause the spare one."""
        if self.spare is None:
            self.spare = self.sandbox.service("labeling", "worker")
        for process in (self.worker, self.spare):
            if not process.running:
                await asyncio.to_thread(process.start)
        self.spare.pause()

    async def kill_worker(self) -> None:
        """Kill the worker, and resume the spare one."""
        assert self.spare is not None
        self.worker.kill()
        self.worker, self.spare = self.spare, self.worker
        self.worker.resume()

    def query(self, question: str, *arguments: object) -> Any:
        return fetch(self.sandbox.database("labeling"), question, *arguments)


@pytest.fixture(scope="module")
def bulk(
    private_kafka: KafkaNode, private_postgres: PostgresNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bulk]:
    sandbox = Sandbox(private_kafka, private_postgres, tmp_path_factory.mktemp("imports"), kafka_session_timeout="6")
    yield Bulk(sandbox)
    sandbox.clear()


class Shop:
    """An account on the API, with its requests."""

    def __init__(self, bulk: Bulk, http: httpx.AsyncClient, account_id: int) -> None:
        self.bulk = bulk
        self.http = http
        self.account_id = account_id

    async def ask(self, method: str, path: str, **options: Any) -> Any:
        answer = await self.http.request(method, path, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def import_at(self, path: str) -> Any:
        """Return the import; None while the API cannot reach its database."""
        answer = await self.http.get(path)
        return answer.json() if answer.status_code == 200 else None

    async def wait_for_state(self, path: str, state: str) -> Any:
        """Return the import once it is in this state."""

        async def in_state() -> Any:
            found = await self.import_at(path)
            assert found is None or found["state"] not in {"failed", "cancelled"}, found
            return found if found is not None and found["state"] == state else None

        return await until(in_state, WITHIN)

    async def wait_for_progress(self, path: str) -> Any:
        """Return the import once its job has processed some rows."""

        async def with_progress() -> Any:
            found = await self.import_at(path)
            return found if found and found["progress"] and found["progress"]["done"] else None

        return await until(with_progress, WITHIN)

    async def upload(self, file: File) -> str:
        answer = await self.http.post("/v1/imports?filename=people.csv", content=file.content)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    async def contacts(self) -> dict[str, dict[str, Any]]:
        """Export all contacts; return the rows by address."""
        export = await self.ask("POST", "/v1/exports", json={"of": {"all": True}})
        path = f"/v1/exports/{export['id']}"
        await self.wait_for_state(path, "done")
        file = await self.http.get(f"{path}/file")
        return {row["email"]: row for row in csv.DictReader(io.StringIO(file.text, newline=""))}

    async def published(self) -> Counter[tuple[int, str]]:
        """Return the number of published events of each contact and label."""
        return Counter(
            (event["contact_id"], event["label_name"])
            for _, event in await distinct_events(self.bulk.sandbox, "labeling.labels")
            if event["account_id"] == self.account_id
        )

    async def check(self, file: File, *, held: bool = True) -> None:
        """Check the contacts of the file. Each label was assigned once, and removed once unless `held`."""
        contacts = await self.contacts()
        assert {email: row["city"] for email, row in contacts.items()} == (
            file.cities if held else dict.fromkeys(file.cities, "")
        )
        labels = {
            (email, name) for email, row in contacts.items() for name in row["interesselabels"].split(",") if name
        }
        assert labels == (file.labels if held else set())

        async def events() -> tuple[int, set[int]]:
            counts = await self.published()
            return len(counts), set(counts.values())

        await until_equal(events, (len(file.labels), {1 if held else 2}), WITHIN)


@pytest_asyncio.fixture
async def shop(bulk: Bulk) -> AsyncIterator[Shop]:
    async with httpx.AsyncClient(base_url=bulk.api.url, timeout=30) as operator:
        headers = {"Authorization": f"Bearer {OPERATOR_KEY}"}
        made = (await operator.post("/v1/accounts", json={"name": "Shop"}, headers=headers)).json()
    async with httpx.AsyncClient(
        base_url=bulk.api.url, timeout=30, headers={"Authorization": f"Bearer {made['api_key']}"}
    ) as http:
        shop = Shop(bulk, http, made["account_id"])
        await shop.ask("POST", "/v1/fields", json={"key": "city", "name": "City", "type": "text"})
        for name in LABELS:
            await shop.ask("POST", "/v1/labels", json={"name": name})
        yield shop


async def kill_worker_during_job(shop: Shop, path: str) -> None:
    """Kill the worker in the middle of the job; check that the spare one takes the job over in time."""
    job_id = (await shop.wait_for_progress(path))["job_id"]
    question = "SELECT state, worker FROM background_jobs WHERE job_id = $1"
    shop.bulk.worker.pause()
    (before,) = await shop.bulk.query(question, job_id)
    assert before["state"] == "running", "the job has already ended: the file is too small for this machine"
    await shop.bulk.kill_worker()

    async def taken_over() -> bool:
        (now,) = await shop.bulk.query(question, job_id)
        return now["state"] == "done" or now["worker"] not in (None, before["worker"])

    began = monotonic()
    await until(taken_over, TAKEOVER)
    print(f"The job was taken over after {monotonic() - began:.1f} s")  # noqa: T201 - pytest shows it with -s
    await shop.bulk.prepare()


async def test_results_are_exact_when_the_worker_is_killed_in_each_state(bulk: Bulk, shop: Shop) -> None:
    file = random_file(new_dice())
    await bulk.prepare()
    path = await shop.upload(file)
    await shop.ask("PUT", path, json={"columns": [{"index": 3, "maps_to": None}], "options": OPTIONS})
    await kill_worker_during_job(shop, path)
    summary = (await shop.wait_for_state(path, "checked"))["summary"]
    assert (summary["rows"], summary["create"], summary["errors"]) == (file.rows, len(file.cities), file.refused)

    await shop.ask("POST", f"{path}/start")
    await kill_worker_during_job(shop, path)
    result = (await shop.wait_for_state(path, "done"))["result"]
    assert (result["created"], result["errors"]) == (len(file.cities), file.refused)
    assert result["created"] + result["merged"] + result["errors"] == file.rows
    await shop.check(file)

    planned = await shop.ask("POST", f"{path}/undo?dry_run=true")
    await shop.ask("POST", f"{path}/undo")
    await kill_worker_during_job(shop, path)
    assert (await shop.wait_for_state(path, "undone"))["undone"] == planned
    await shop.check(file, held=False)


async def test_two_imports_of_the_same_rows_are_exact_when_servers_are_killed(
    bulk: Bulk, shop: Shop, private_kafka: KafkaNode, private_postgres: PostgresNode
) -> None:
    file = random_file(new_dice())
    await bulk.prepare()
    assert bulk.spare is not None
    bulk.spare.resume()  # one worker for each import
    paths = [await shop.upload(file), await shop.upload(file)]
    for path in paths:
        await shop.ask("PUT", path, json={"columns": [{"index": 3, "maps_to": None}], "options": OPTIONS})
    for path in paths:
        await shop.wait_for_state(path, "checked")
    await asyncio.gather(*(shop.ask("POST", f"{path}/start") for path in paths))
    await shop.wait_for_progress(paths[0])
    for server in (private_kafka, private_postgres):
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
    results = [(await shop.wait_for_state(path, "done"))["result"] for path in paths]
    assert sum(result["created"] for result in results) == len(file.cities)
    for result in results:
        assert sum(result.values()) == file.rows
    await shop.check(file)


def jobs_retried(logs: Sequence[Path]) -> int:
    """Return how often workers have retried jobs, according to their logs."""
    lines = [line for log in logs for line in log.read_text().splitlines()]
    return sum("retrying" in line and "jobs" in line for line in lines)


async def test_a_full_disk_is_reported_and_the_job_continues_once_there_is_space(bulk: Bulk, shop: Shop) -> None:
    file = random_file(new_dice())
    await bulk.query(NO_ROOM)
    await bulk.query("CREATE TRIGGER full_disk BEFORE INSERT ON file_pieces EXECUTE FUNCTION no_room()")
    refused = await shop.http.post("/v1/imports", content=file.content)
    assert refused.status_code == 503, refused.text
    assert "disk" in refused.json()["detail"]
    assert refused.headers["retry-after"]
    assert (await shop.ask("GET", "/v1/imports"))["items"] == []
    assert await bulk.query("SELECT FROM files WHERE account_id = $1", shop.account_id) == []
    await bulk.query("DROP TRIGGER full_disk ON file_pieces")

    await bulk.query("CREATE TRIGGER full_disk BEFORE INSERT ON import_rows EXECUTE FUNCTION no_room()")
    path = await shop.upload(file)
    logs = [process.log for process in bulk.sandbox.processes]
    before = jobs_retried(logs)
    await shop.ask("PUT", path, json={"columns": [{"index": 3, "maps_to": None}], "options": OPTIONS})
    await until(lambda: jobs_retried(logs) > before)
    assert (await shop.import_at(path))["state"] == "checking"
    await bulk.query("DROP TRIGGER full_disk ON import_rows")
    summary = (await shop.wait_for_state(path, "checked"))["summary"]
    assert (summary["rows"], summary["create"], summary["errors"]) == (file.rows, len(file.cities), file.refused)
