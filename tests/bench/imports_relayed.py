"""An import that all four services process, while contacts click; the baseline is the same clicks alone."""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import httpx

from tests.bench.contacts_in_bulk import LABELS, file_of
from tests.bench.figure import Figure
from tests.bench.latency import click_at_rate, quantile
from tests.bench.peak import peak_of
from tests.bench.place import Place
from tests.bench.progress import select_number
from tests.bench.size import contacts
from tests.faults.chain import SEND
from tests.scenarios.scene import Account, Scene
from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import Sandbox
from tests.stack.shop import Shop

ROWS = contacts(20_000)
CLICKS_PER_SECOND = 50
CLICKS, WARM_UP = 550, 50
LOOK_EVERY = 0.1  # seconds
WITHIN = 300 + ROWS / 100  # seconds
OPTIONS = {"subscription": {"set": "subscribed", "basis": "The bench."}}
COUNT_MEMBERSHIPS = "SELECT count(*) FROM events WHERE topic = 'segmentation.memberships'"


async def run(place: Place) -> list[Figure]:
    """Measure an import with three events a row (the contact, two labels), from its start to the last membership."""
    async with place.services() as (sandbox, services):
        scene = Scene(sandbox, services)
        with Account.open(scene, "Bulk") as account:
            return await _measure(sandbox, services, account)


async def _measure(sandbox: Sandbox, services: dict[str, ServiceProcess], account: Account) -> list[Figure]:
    tracking, labeling = services["tracking"], services["labeling"]
    shop = await Shop.open(labeling.url, tracking.url, 2 * CLICKS)
    tokens = await shop.tokens(tracking.url, SEND, shop.contacts)
    await asyncio.to_thread(_prepare, account)
    [alone] = await _clicks(sandbox, tracking, shop, tokens[:CLICKS])
    async with peak_of(labeling) as memory:
        importing = asyncio.create_task(_import(sandbox, account))
        [meanwhile] = await _clicks(sandbox, tracking, shop, tokens[CLICKS:])
        rate = await importing
    return [
        Figure(f"import of {ROWS:,} rows: applied, relayed, folded by all services", rate, "rows/s", 3_000),
        Figure(f"click to LabelAssigned during it, {CLICKS_PER_SECOND} clicks/s, p99", quantile(meanwhile, 0.99),
            "ms", 1_000, quantile(alone, 0.99), "without the import", better="lower"),
        Figure("memory of labeling during it", memory.megabytes, "MB", 400, better="lower"),
    ]  # fmt: skip


async def _clicks(
    sandbox: Sandbox, tracking: ServiceProcess, shop: Shop, tokens: Sequence[dict[str, object]]
) -> list[list[float]]:
    topics = ["labeling.labels"]
    return await click_at_rate(sandbox, tracking.port, shop, tokens, topics, CLICKS_PER_SECOND, WARM_UP)


def _prepare(account: Account) -> None:
    labels = account.labels(*LABELS)
    for key, kind in (("first_name", "text"), ("city", "text"), ("birthday", "date")):
        account.post("labeling", "/v1/fields", {"key": key, "name": key, "type": kind})
    # Each contact has two adjacent labels of the four, one of each pair, and so enters both segments.
    for pair in (labels[0::2], labels[1::2]):
        criterion = {"any": [{"label": label} for label in pair]}
        account.post("segmentation", "/v1/segments", {"name": pair[0], "criterion": criterion})


async def _import(sandbox: Sandbox, account: Account) -> float:
    """Import the file; return rows a second from the start to the last membership."""
    headers = {"Authorization": f"Bearer {account.key}"}
    async with httpx.AsyncClient(base_url=account.scene.url("labeling"), headers=headers, timeout=WITHIN) as http:
        answer = await http.post("/v1/imports", content=file_of(ROWS))
        path = answer.raise_for_status().headers["location"]
        (await http.put(path, json={"options": OPTIONS})).raise_for_status()
        await _wait_for_state(http, path, "checked")
        began = perf_counter()
        (await http.post(f"{path}/start")).raise_for_status()
        await _wait_for_state(http, path, "done")
        dsn = sandbox.database("segmentation")
        while await select_number(dsn, COUNT_MEMBERSHIPS) < 2 * ROWS:
            assert perf_counter() - began < WITHIN
            await asyncio.sleep(LOOK_EVERY)
        return ROWS / (perf_counter() - began)


async def _wait_for_state(http: httpx.AsyncClient, path: str, state: str) -> Any:
    began = perf_counter()
    while True:
        found = (await http.get(path)).raise_for_status().json()
        if found["state"] == state:
            return found
        assert perf_counter() - began < WITHIN, found
        await asyncio.sleep(LOOK_EVERY)
