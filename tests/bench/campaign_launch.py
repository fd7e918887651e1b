"""The launch of a campaign: the time until all requests are published, and the delay of others meanwhile."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic, perf_counter
from uuid import UUID

import httpx
from aiokafka import AIOKafkaProducer

from services.segmentation.app import SERVICE
from shared.bus.connection import client_options
from shared.bus.guard import check_cluster
from shared.bus.publisher import Publisher
from shared.bus.relay import Relay
from shared.bus.topics import ensure_topics
from shared.events.messages import CampaignMessageRequested, Cause
from shared.events.parts import Send
from shared.events.tracking import MessageChanged
from shared.http.keys import generate
from shared.store.database import Database
from shared.store.event_tables import extend_event_tables
from tests.bench.figure import Figure
from tests.bench.latency import click_at_rate, quantile
from tests.bench.place import PARTITIONS, Place
from tests.bench.progress import PUBLISHED, select_number
from tests.bench.segmentation_image import ACCOUNT, ZONE
from tests.bench.segmentation_live import EventWriter, catalog, process_on
from tests.bench.size import contacts
from tests.bench.subscribers import write_subscribers
from tests.faults.chain import SEND
from tests.scenarios.scene import Account, Scene
from tests.stack.shop import Shop
from tests.stack.waiting import wait_until

LAUNCHED = contacts(200_000)
RELAYED = min(LAUNCHED, 200_000)  # requests in the measurement of the relay alone
REQUESTS_PER_TRANSACTION = 50_000
MESSAGE = UUID(int=77)
NOW = datetime.now(UTC)
WITHIN = 300 + LAUNCHED / 1_000  # seconds

AUDIENCE = contacts(40_000)  # of the campaign that is launched while others click
CLICKS_PER_SECOND = 50
CLICKS, WARM_UP = 550, 50


async def run(place: Place) -> list[Figure]:
    """Measure a launch, and clicks during a launch."""
    return [*await launch(place), await clicks_during_launch(place)]


async def launch(place: Place) -> list[Figure]:
    """Return the seconds from the launch to the frozen audience, and to all requests on the topic."""
    key = generate()
    alone = await _relay_alone(place)
    with place.sandbox() as sandbox:
        dsn = sandbox.database()
        process = process_on(sandbox, dsn)
        process.start().terminate()
        producer = AIOKafkaProducer(**client_options(sandbox.settings))
        await producer.start()
        writer = EventWriter(sandbox.settings, producer)
        message = MessageChanged(
            occurred_at=NOW, account_id=ACCOUNT, message_id=MESSAGE, message_name="Bench", revision=1, links=()
        )
        await writer.write([*catalog(key), message])
        await producer.stop()
        await write_subscribers(dsn, ACCOUNT, ZONE, LAUNCHED)
        await asyncio.to_thread(process.start)
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=process.url, headers=headers, timeout=30) as client:
            frozen, requested = await _launch(client, dsn)
    return [
        Figure(f"campaign: launch to {LAUNCHED:,} contacts, until frozen", frozen, "s", goal=1, better="lower"),
        Figure(f"campaign: requests of {LAUNCHED:,} contacts on the topic", LAUNCHED / requested, "requests/s",
            1_000_000 / 90, alone, "relay alone"),
    ]  # fmt: skip


async def _launch(client: httpx.AsyncClient, dsn: str) -> tuple[float, float]:
    subscribed = {"contact": {"subscription": "subscribed"}}
    body: dict[str, object] = {"criterion": subscribed}
    await _wait_for_answer(client, "POST", "/v1/criteria/count", body, lambda answer: answer.get("count") == LAUNCHED)
    body = {"name": "Bench", "message_id": str(MESSAGE), "audience": {"include": [subscribed]}}
    created = await client.post("/v1/campaigns", json=body)
    path = f"/v1/campaigns/{created.raise_for_status().json()['id']}"
    started = monotonic()
    (await client.post(f"{path}/launch")).raise_for_status()
    await _wait_for_number(dsn, "SELECT count(*) FROM campaign_slices WHERE frozen_at IS NULL", lambda left: left == 0)
    frozen = monotonic() - started
    await _wait_for_answer(client, "GET", path, None, lambda answer: answer.get("state") == "done")
    await _wait_for_number(dsn, PUBLISHED, lambda published: published >= LAUNCHED)
    return frozen, monotonic() - started


async def _wait_for_number(dsn: str, query: str, done: Callable[[int], bool]) -> None:
    deadline = monotonic() + WITHIN
    while not done(await select_number(dsn, query)):
        if monotonic() > deadline:
            raise TimeoutError(query)
        await asyncio.sleep(0.02)


async def _wait_for_answer(
    client: httpx.AsyncClient, method: str, path: str, body: object, done: Callable[[dict[str, object]], bool]
) -> None:
    deadline = monotonic() + WITHIN
    while not done((await client.request(method, path, json=body)).json()):
        if monotonic() > deadline:
            raise TimeoutError(path)
        await asyncio.sleep(0.2)


async def _relay_alone(place: Place) -> float:
    """Publish requests that are already in the event table; return requests per second."""
    with place.sandbox() as sandbox:
        dsn = sandbox.database()
        await ensure_topics(sandbox.settings)
        database = await Database.open(dsn, PARTITIONS)
        try:
            await database.migrate([SERVICE.migrations])
            async with database.pool.acquire() as connection:
                await extend_event_tables(connection)
            await check_cluster("segmentation", sandbox.settings, database)
            for first in range(1, RELAYED + 1, REQUESTS_PER_TRANSACTION):
                async with database.unit_of_work(*range(PARTITIONS)) as work:
                    for contact_id in range(first, first + REQUESTS_PER_TRANSACTION):
                        work.append(request_to(contact_id))
            relay = asyncio.create_task(Relay(database, lambda: Publisher("segmentation", sandbox.settings)).run())
            started = perf_counter()
            await _wait_for_number(dsn, PUBLISHED, lambda published: published >= RELAYED)
            took = perf_counter() - started
            relay.cancel()
            await asyncio.gather(relay, return_exceptions=True)
        finally:
            await database.close()
    return RELAYED / took


def request_to(contact_id: int) -> CampaignMessageRequested:
    """Return the request of a campaign's mail to a contact."""
    return CampaignMessageRequested(
        occurred_at=NOW, account_id=ACCOUNT, contact_id=contact_id, message_id=MESSAGE,
        send=Send(kind="campaign", id="bench", sent_at=NOW), cause=Cause(kind="campaign"),
        idempotency_key=f"bench:{contact_id}",
    )  # fmt: skip


async def clicks_during_launch(place: Place) -> Figure:
    """Click at a constant rate, first alone, then while a campaign is launched to many other contacts."""
    async with place.services(("tracking", "labeling", "workflow")) as (sandbox, services):
        services["segmentation"] = sandbox.service("segmentation")
        services["segmentation"].start().terminate()
        tracking, labeling = services["tracking"], services["labeling"]
        with Account.open(Scene(sandbox, services), "Launch") as account:
            zone = account.get("labeling", "/v1/account")["time_zone"]
            await write_subscribers(sandbox.database("segmentation"), account.account_id, zone, AUDIENCE)
            await asyncio.to_thread(services["segmentation"].start)
            shop = await Shop.open(labeling.url, tracking.url, 2 * CLICKS)
            tokens = await shop.tokens(tracking.url, SEND, shop.contacts)
            campaign = await asyncio.to_thread(_create_campaign, account)
            pace = ["labeling.labels"], CLICKS_PER_SECOND, WARM_UP
            [alone] = await click_at_rate(sandbox, tracking.port, shop, tokens[:CLICKS], *pace)
            await asyncio.to_thread(account.post, "segmentation", f"{campaign}/launch")
            [meanwhile] = await click_at_rate(sandbox, tracking.port, shop, tokens[CLICKS:], *pace)
            await asyncio.to_thread(_wait_until_done, account, campaign)
    name = f"click to LabelAssigned during a launch to {AUDIENCE:,} contacts, {CLICKS_PER_SECOND} clicks/s, p99"
    return Figure(name, quantile(meanwhile, 0.99), "ms", 1_000, quantile(alone, 0.99), "without the launch", "lower")


def _create_campaign(account: Account) -> str:
    """Create a campaign to all contacts of the account; return its path."""
    message = account.message('<p><a href="https://shop.example/">Shop</a></p>')
    subscribed = {"contact": {"subscription": "subscribed"}}
    wait_until(lambda: account.request("segmentation", "GET", "/v1/segments").is_success)
    counted = account.post("segmentation", "/v1/criteria/count", {"criterion": subscribed})["count"]
    assert counted == AUDIENCE, counted
    body = {"name": "Bench", "message_id": message["id"], "audience": {"include": [subscribed]}}
    return f"/v1/campaigns/{account.post('segmentation', '/v1/campaigns', body)['id']}"


def _wait_until_done(account: Account, campaign: str) -> None:
    deadline = monotonic() + WITHIN
    while account.get("segmentation", campaign)["state"] != "done":
        assert monotonic() < deadline, "the campaign has not ended"
