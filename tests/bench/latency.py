"""The latency from a requested link to an outside consumer, at 500 clicks a second; the baseline is Kafka alone."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.bus.connection import client_options
from shared.settings import CommonSettings
from tests.bench.figure import Figure
from tests.bench.place import Place
from tests.bench.requests import REQUEST
from tests.faults.chain import SEND
from tests.stack.sandbox import Sandbox
from tests.stack.shop import Shop, until_known

PER_SECOND = 500
SECONDS = 10
WARM_UP = 500  # clicks that are not counted
CONNECTIONS = 16
SEGMENTS = 100
ARRIVES_WITHIN = 60.0  # seconds

Times = dict[str, float]


async def run(place: Place) -> list[Figure]:
    """Measure clicks that are each the first of a contact, so that each assigns a label and starts a run."""
    labels = "labeling.labels"
    [assigned], plain = await _measure(place, ("tracking", "labeling"), (labels,))
    topics = (labels, "segmentation.memberships", "workflow.messages")
    chain, _ = await _measure(place, ("tracking", "labeling", "segmentation", "workflow"), topics)
    assigned_by_all, entered, requested = chain
    rows = [
        ("click to LabelAssigned", assigned, 100, 500),
        ("all services, click to LabelAssigned", assigned_by_all, None, None),
        ("all services, click to SegmentEntered", entered, 150, 700),
        ("all services, click to MessageRequested", requested, 200, 1000),
    ]
    return [
        Figure(f"{name}, {PER_SECOND} clicks/s, {statistic}", quantile(delays, part), "ms", goal,
            quantile(plain, part), "one record through Kafka", better="lower")
        for name, delays, median, p99 in rows
        for statistic, part, goal in (("median", 0.5, median), ("p99", 0.99, p99))
    ]  # fmt: skip


async def _measure(place: Place, names: Sequence[str], topics: Sequence[str]) -> tuple[list[list[float]], list[float]]:
    """Return, by topic, the time from each contact's click to its first record, and the time of Kafka alone."""
    async with place.services(names) as (sandbox, services):
        tracking, labeling = services["tracking"], services["labeling"]
        shop = await Shop.open(labeling.url, tracking.url, WARM_UP + PER_SECOND * SECONDS)
        if len(services) > 2:
            await define_segments_and_workflow(shop, services["segmentation"].url, services["workflow"].url)
        tokens = await shop.tokens(tracking.url, SEND, shop.contacts)
        delays = await click_at_rate(sandbox, tracking.port, shop, tokens, topics)
        return delays, await plain_kafka_delays(sandbox.settings)


async def define_segments_and_workflow(shop: Shop, segmentation: str, workflow: str) -> None:
    """Define segments that contacts enter by a first click or by later ones, and a workflow that every label starts."""
    conditions = [{"label": str(shop.labels[name])} for name in ("Dogs", "Cats")]
    triggers = [{"on": "LabelAssigned", **one} for one in conditions]
    steps = [{"send": {"message": str(shop.message_id)}}]
    async with httpx.AsyncClient(timeout=30, headers=shop.headers) as http:
        await until_known(http, f"{segmentation}/v1/segments")
        await until_known(http, f"{workflow}/v1/workflows")
        for number in range(SEGMENTS):
            criterion = {"any": conditions} if number == 0 else {"clicks": {"at_least": 1 + number}}
            body = {"name": f"Segment {number}", "criterion": criterion}
            (await http.post(f"{segmentation}/v1/segments", json=body)).raise_for_status()
        definition = {"name": "Guide", "triggers": triggers, "steps": steps}
        created = await http.post(f"{workflow}/v1/workflows", json=definition)
        created.raise_for_status()
        (await http.post(f"{workflow}/v1/workflows/{created.json()['id']}/activate")).raise_for_status()


async def click_at_rate(
    sandbox: Sandbox,
    port: int,
    shop: Shop,
    tokens: Sequence[dict[str, object]],
    topics: Sequence[str],
    per_second: int = PER_SECOND,
    warm_up: int = WARM_UP,
) -> list[list[float]]:
    """Return, for each topic, the time from every contact's click to its first record (seconds)."""
    clicked: Times = {}
    queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    requests = [
        (f"{shop.account_id}:{row['contact_id']}", f"/c/{row['token']}.{1 + number % 2}")
        for number, row in enumerate(tokens)
    ]

    async def act(number: int) -> None:
        queue.put_nowait(requests[number])

    async with asyncio.TaskGroup() as group:
        senders = [group.create_task(_sender(port, queue, clicked)) for _ in range(CONNECTIONS)]
        arrived = await _act_at_rate(sandbox.settings, topics, [key for key, _ in requests], act, per_second)
        for sender in senders:
            sender.cancel()
    return [[arrived[topic][key] - clicked[key] for key, _ in requests[warm_up:]] for topic in topics]


async def _sender(port: int, queue: "asyncio.Queue[tuple[str, str]]", clicked: Times) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        key, path = await queue.get()
        clicked[key] = perf_counter()
        writer.write(REQUEST.format(path).encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 302"), answer


async def plain_kafka_delays(settings: CommonSettings, per_second: int = PER_SECOND) -> list[float]:
    """Return the time of one record through Kafka and nothing else, at the same rate (seconds)."""
    sent: Times = {}
    topic = "workflow.messages"
    producer = AIOKafkaProducer(acks="all", **client_options(settings))
    await producer.start()

    async def act(number: int) -> None:
        sent[f"plain:{number}"] = perf_counter()
        await producer.send(settings.topic_prefix + topic, b"{}", f"plain:{number}".encode())

    try:
        keys = [f"plain:{number}" for number in range(WARM_UP + per_second * 2)]
        arrived = await _act_at_rate(settings, [topic], keys, act, per_second)
    finally:
        await producer.stop()
    return [arrived[topic][key] - sent[key] for key in list(sent)[WARM_UP:]]


async def _act_at_rate(
    settings: CommonSettings,
    topics: Sequence[str],
    keys: Sequence[str],
    act: Callable[[int], Awaitable[None]],
    per_second: int,
) -> dict[str, Times]:
    """Call `act` for each key, `per_second`; return when the first record of each key was seen on each topic.

    Records that others write to the topics are skipped.
    """
    wanted = {key.encode(): key for key in keys}
    prefix = settings.topic_prefix
    consumer = AIOKafkaConsumer(
        *(prefix + topic for topic in topics), auto_offset_reset="latest", **client_options(settings)
    )
    await consumer.start()
    await consumer.seek_to_end()
    arrived: dict[str, Times] = {topic: {} for topic in topics}

    async def listen() -> None:
        while any(len(times) < len(wanted) for times in arrived.values()):
            for partition, records in (await consumer.getmany(timeout_ms=1000)).items():
                at = perf_counter()
                times = arrived[partition.topic[len(prefix) :]]
                for record in records:
                    if record.key in wanted:
                        times.setdefault(wanted[record.key], at)

    listening = asyncio.create_task(listen())
    try:
        start = perf_counter()
        for number in range(len(keys)):
            await asyncio.sleep(max(0.0, start + number / per_second - perf_counter()))
            await act(number)
        await asyncio.wait_for(listening, ARRIVES_WITHIN)
    finally:
        listening.cancel()
        await consumer.stop()
    return arrived


def quantile(delays: Sequence[float], part: float) -> float:
    """Return a quantile of seconds, in milliseconds."""
    return sorted(delays)[int(len(delays) * part)] * 1000
