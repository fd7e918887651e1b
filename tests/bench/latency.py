"""From a requested link to `LabelAssigned` seen by an outside consumer, at 500 clicks a second; against Kafka alone."""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from shared.bus.connection import client_options
from shared.settings import CommonSettings
from tests.bench.place import Place
from tests.bench.requests import REQUEST
from tests.bench.row import Row
from tests.faults.chain import SEND
from tests.stack.ground import Ground
from tests.stack.shop import Shop

PER_SECOND = 500
SECONDS = 10
WARM_UP = 500  # clicks that are not counted
CONNECTIONS = 16
ARRIVES_WITHIN = 60.0  # seconds

Times = dict[str, float]


async def run(place: Place) -> list[Row]:
    """Every click is the first of its contact, so each assigns a label."""
    ground = place.whole()
    try:
        services = [ground.service("tracking"), ground.service("labeling")]
        for process in services:
            process.start(ready=False)
        for process in services:
            await asyncio.to_thread(process.wait_ready)
        tracking, labeling = services
        shop = await Shop.open(labeling.url, tracking.url, WARM_UP + PER_SECOND * SECONDS)
        tokens = await shop.tokens(tracking.url, SEND, shop.contacts)
        delays = await _clicks(ground, tracking.port, shop, tokens)
        plain = await _plain(ground.settings)
    finally:
        ground.clear()
    return [
        Row(f"click to LabelAssigned, {PER_SECOND} clicks/s, {name}", _quantile(delays, part), "ms", goal,
            _quantile(plain, part), "one record through Kafka", better="lower")
        for name, part, goal in (("median", 0.5, 100), ("p99", 0.99, 500))
    ]  # fmt: skip


async def _clicks(ground: Ground, port: int, shop: Shop, tokens: Sequence[dict[str, object]]) -> list[float]:
    clicked: Times = {}
    queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    requests = [
        (f"{shop.account_id}:{row['contact_id']}", f"/c/{row['token']}.{1 + number % 2}")
        for number, row in enumerate(tokens)
    ]

    async def begin(number: int) -> None:
        queue.put_nowait(requests[number])

    async with asyncio.TaskGroup() as group:
        senders = [group.create_task(_sender(port, queue, clicked)) for _ in range(CONNECTIONS)]
        arrived = await _paced(ground.settings, "labeling.labels", len(requests), begin, _by_key)
        for sender in senders:
            sender.cancel()
    return [arrived[key] - clicked[key] for key, _ in requests[WARM_UP:]]


async def _sender(port: int, queue: "asyncio.Queue[tuple[str, str]]", clicked: Times) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        key, path = await queue.get()
        clicked[key] = perf_counter()
        writer.write(REQUEST.format(path).encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 302"), answer


def _by_key(record: "ConsumerRecord[bytes, bytes]") -> str:
    return record.key.decode() if record.key else ""


async def _plain(settings: CommonSettings) -> list[float]:
    """One record through Kafka and nothing else, at the same pace."""
    sent: Times = {}
    producer = AIOKafkaProducer(acks="all", **client_options(settings))
    await producer.start()

    async def begin(number: int) -> None:
        sent[f"plain:{number}"] = perf_counter()
        await producer.send(settings.topic_prefix + "workflow.messages", b"{}", f"plain:{number}".encode())

    try:
        count = WARM_UP + PER_SECOND * 2
        arrived = await _paced(settings, "workflow.messages", count, begin, _by_key)
    finally:
        await producer.stop()
    return [arrived[key] - sent[key] for key in list(sent)[WARM_UP:]]


async def _paced(
    settings: CommonSettings,
    topic: str,
    count: int,
    begin: Callable[[int], "asyncio.Future[None]"] | Callable[[int], object],
    name: Callable[["ConsumerRecord[bytes, bytes]"], str],
) -> Times:
    """Begins `count` things, 500 a second, and says when the record of each was seen on `topic`."""
    consumer = AIOKafkaConsumer(settings.topic_prefix + topic, auto_offset_reset="latest", **client_options(settings))
    await consumer.start()
    await consumer.seek_to_end()
    arrived: Times = {}

    async def listen() -> None:
        while len(arrived) < count:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                at = perf_counter()
                for record in records:
                    arrived.setdefault(name(record), at)

    listening = asyncio.create_task(listen())
    try:
        start = perf_counter()
        for number in range(count):
            await asyncio.sleep(max(0.0, start + number / PER_SECOND - perf_counter()))
            await begin(number)  # type: ignore[misc] # a coroutine function
        await asyncio.wait_for(listening, ARRIVES_WITHIN)
    finally:
        listening.cancel()
        await consumer.stop()
    return arrived


def _quantile(delays: Sequence[float], part: float) -> float:
    """In milliseconds."""
    return sorted(delays)[int(len(delays) * part)] * 1000
