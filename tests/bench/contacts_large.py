"""A large account: exports and their memory at two sizes, searches, preference pages, and a merge under load."""

import asyncio
from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import Any

import httpx

from tests.bench import preference_page
from tests.bench.figure import Figure
from tests.bench.large_account import address_of, copy_rate, fill, prepare
from tests.bench.latency import click_at_rate, quantile
from tests.bench.peak import peak_of
from tests.bench.place import Place
from tests.bench.size import contacts
from tests.faults.chain import SEND
from tests.scenarios.scene import Account, Scene, bearer
from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import Sandbox
from tests.stack.shop import Shop

CONTACTS = contacts(100_000)
TENTH = CONTACTS // 10
MERGED_WITHIN = 60 * CONTACTS / 1_000_000  # seconds; labels of a million contacts have 500,000 holders each
GOALS = {"csv": 100_000, "xlsx": 25_000}  # rows a second
SEARCHES = 200
PAGES = 500
CLICKS_PER_SECOND = 50
CLICKS, WARM_UP = 550, 50
LOOK_EVERY = 0.1  # seconds
WITHIN = 300 + CONTACTS / 1_000  # seconds


async def run(place: Place) -> list[Figure]:
    """Measure labeling, with tracking for the clicks, on accounts that were written into its tables."""
    async with place.services(("tracking", "labeling")) as (sandbox, services):
        scene = Scene(sandbox, services)
        with Account.open(scene, "Small") as small, Account.open(scene, "Large") as large:
            dsn = sandbox.database("labeling")
            labels: list[str] = []
            for account, size in ((small, TENTH), (large, CONTACTS)):
                labels = await asyncio.to_thread(prepare, account)
                await fill(dsn, account.account_id, size)
            return [
                *await _measure_exports(services["labeling"], small, large, await copy_rate(dsn, CONTACTS)),
                *await _measure_searches(large),
                *await _measure_pages(services["labeling"].port, large),
                *await _measure_merge(sandbox, services, large, labels),
            ]


async def _measure_exports(labeling: ServiceProcess, small: Account, large: Account, plain: float) -> list[Figure]:
    rows = []
    for format_, goal in GOALS.items():
        _, before = await _export(labeling, small, format_, TENTH)
        took, peak_megabytes = await _export(labeling, large, format_, CONTACTS)
        name = f"export of {CONTACTS:,} contacts with labels, {format_.upper()}"
        rows += [
            Figure(name, CONTACTS / took, "rows/s", goal, plain, "COPY TO of one table"),
            Figure(f"memory of labeling during an {name}", peak_megabytes, "MB", before * 1.1, before,
                f"during one of {TENTH:,}", better="lower"),
        ]  # fmt: skip
    return rows


async def _export(labeling: ServiceProcess, account: Account, format_: str, size: int) -> tuple[float, float]:
    """Export all contacts; return the seconds, and labeling's peak memory in MB."""
    async with peak_of(labeling) as peak, _client(account) as http:
        began = perf_counter()
        answer = await http.post("/v1/exports", json={"of": {"all": True}, "format": format_})
        found = await _until_done(http, f"/v1/exports/{answer.raise_for_status().json()['id']}")
        took = perf_counter() - began
        assert found["rows"] == size, found
    return took, peak.megabytes


async def _measure_searches(account: Account) -> list[Figure]:
    few = [address_of(number * CONTACTS // SEARCHES + 1) for number in range(SEARCHES)]
    many = ["person", "name1", "city", "city 1"] * (SEARCHES // 4)
    async with _client(account) as http:
        return [
            Figure(f"search in {CONTACTS:,} contacts, {words}, {what}", quantile(took, part), "ms", 10, better="lower")
            for words, texts in (("one is found", few), ("everybody is found", many))
            for took in [await _search_times(http, texts)]
            for what, part in (("median", 0.5), ("p99", 0.99))
        ]


async def _search_times(http: httpx.AsyncClient, texts: Sequence[str]) -> list[float]:
    took = []
    for text in texts:
        began = perf_counter()
        answer = await http.get("/v1/contacts", params={"search": text})
        took.append(perf_counter() - began)
        assert answer.raise_for_status().json()["items"], text
    return took


async def _measure_pages(port: int, account: Account) -> list[Figure]:
    message = await asyncio.to_thread(account.message, '<a href="https://shop.example/">Shop</a>')
    # Tracking knows only published contacts: a change publishes these.
    addresses = [address_of(1 + number * (CONTACTS // PAGES)) for number in range(PAGES)]
    rows = [{"email": address, "language": "en"} for address in addresses]
    ids = (await asyncio.to_thread(account.post, "labeling", "/v1/contacts/batch", rows))["contact_ids"]
    tokens = await asyncio.to_thread(account.tokens, message["id"], ids, SEND)
    paths = [f"/p/{row['token']}" for row in tokens.values()]
    return await preference_page.measure(port, paths, f", {CONTACTS:,} contacts")


async def _measure_merge(
    sandbox: Sandbox, services: dict[str, ServiceProcess], account: Account, labels: Sequence[str]
) -> list[Figure]:
    """Merge two labels of half of the contacts each, while contacts of another account click."""
    tracking = services["tracking"]
    shop = await Shop.open(services["labeling"].url, tracking.url, 2 * CLICKS)
    tokens = await shop.tokens(tracking.url, SEND, shop.contacts)
    click = partial(click_at_rate, sandbox, tracking.port, shop)
    pace: Any = (["labeling.labels"], CLICKS_PER_SECOND, WARM_UP)
    [alone] = await click(tokens[:CLICKS], *pace)
    merging = asyncio.create_task(_merge_labels(account, labels[0], labels[1]))
    [meanwhile] = await click(tokens[CLICKS:], *pace)
    took = await merging
    holders = CONTACTS // 2
    return [
        Figure(f"merge of two labels with {holders:,} holders each, while others click", took, "s", MERGED_WITHIN,
            better="lower"),
        Figure(f"click to LabelAssigned during the merge, {CLICKS_PER_SECOND} clicks/s, p99", quantile(meanwhile, 0.99),
            "ms", 1_000, quantile(alone, 0.99), "without the merge", better="lower"),
    ]  # fmt: skip


async def _merge_labels(account: Account, label_id: str, into: str) -> float:
    async with _client(account) as http:
        began = perf_counter()
        answer = await http.post(f"/v1/labels/{label_id}/merge", json={"into": into})
        await _until_done(http, answer.raise_for_status().headers["location"])
        return perf_counter() - began


def _client(account: Account) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=account.scene.url("labeling"), headers=bearer(account.key), timeout=60)


async def _until_done(http: httpx.AsyncClient, path: str) -> dict[str, Any]:
    began = perf_counter()
    while True:
        found: dict[str, Any] = (await http.get(path)).raise_for_status().json()
        assert found["state"] not in ("failed", "cancelled"), found
        if found["state"] == "done":
            return found
        assert perf_counter() - began < WITHIN, found
        await asyncio.sleep(LOOK_EVERY)
