"""Clicks during a fault, and an independent count of these clicks."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.bus.connection import client_options
from shared.events.codec import Header, body_of
from shared.events.intake import ClickReported
from shared.settings import CommonSettings
from tests.faults.dice import new_dice
from tests.stack.shop import Shop

EVERY = 0.05  # seconds between two groups of clicks


class Load:
    """Reports clicks on `intake.clicks` inside the `async with` block, and retries until Kafka acknowledges them.

    With `twice`, every report is sent a second time later.
    """

    def __init__(self, settings: CommonSettings, shop: Shop, per_second: int = 300, *, twice: bool = False) -> None:
        self.count = 0
        self._settings = settings
        self._shop = shop
        self._per_group = max(1, round(per_second * EVERY))
        self._random = new_dice()
        self._twice = twice
        self._producer: AIOKafkaProducer | None = None
        self._task: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()

    async def __aenter__(self) -> "Load":
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        assert self._task is not None
        await self._task
        await self._disconnect()

    async def wait_for_more(self, more: int) -> None:
        """Wait until `more` further clicks have been reported."""
        goal = self.count + more
        while self.count < goal:
            assert self._task is not None
            assert not self._task.done(), self._task.exception()
            await asyncio.sleep(EVERY)

    async def _run(self) -> None:
        again: list[tuple[bytes, Sequence[Header]]] = []
        while not self._stop.is_set() or again:
            group = [] if self._stop.is_set() else [self._click() for _ in range(self._per_group)]
            await self._send([*again, *group])
            again = group if self._twice else []
            await asyncio.sleep(EVERY)

    def _click(self) -> tuple[bytes, Sequence[Header]]:
        contact = self._random.choice(self._shop.contacts)
        link_id = self._shop.clicked(contact, self._random.randrange(len(self._shop.links)))
        self.count += 1
        return click_record(self._shop, contact, link_id)

    async def _send(self, records: Sequence[tuple[bytes, Sequence[Header]]]) -> None:
        topic = self._settings.topic_prefix + "intake.clicks"
        while True:
            try:
                if self._producer is None:
                    options = client_options(self._settings) | {"request_timeout_ms": 3000}
                    self._producer = AIOKafkaProducer(acks="all", **options)
                    await asyncio.wait_for(self._producer.start(), 5)
                sent = [await self._producer.send(topic, value, headers=list(headers)) for value, headers in records]
                await asyncio.wait_for(asyncio.gather(*sent), 10)
            except (KafkaError, OSError, TimeoutError):
                await self._disconnect()
                await asyncio.sleep(EVERY)
            else:
                return

    async def _disconnect(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _close(producer)


def click_record(shop: Shop, contact: int, link_id: UUID, event_id: str | None = None) -> tuple[bytes, list[Header]]:
    """Return the value and headers of a reported human click."""
    report = ClickReported(
        account_id=shop.account_id,
        contact_id=contact,
        message_id=shop.message_id,
        link_id=link_id,
        occurred_at=datetime.now(UTC) - timedelta(seconds=1),
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    )
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", (event_id or str(uuid4())).encode()),
        ("ce_source", b"/pipeline"),
        ("ce_type", b"penchant.ClickReported.v1"),
    ]
    return body_of(report), headers


class RedirectLoad:
    """Requests tracked links inside the `async with` block, and counts those that were answered with a redirect.

    `unanswered` is the number of requests without an answer; the services may have counted their clicks.
    """

    def __init__(self, shop: Shop, url: str, tokens: Sequence[dict[str, object]], per_second: int = 100) -> None:
        self.answered = 0
        self.unanswered = 0
        self.slowest = 0.0
        self._shop = shop
        self._url = url
        self._tokens = tokens
        self._every = 1 / per_second
        self._random = new_dice()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "RedirectLoad":
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        assert self._task is not None
        await self._task

    async def wait_for_more(self, more: int) -> None:
        """Wait until `more` further requests have been answered."""
        goal = self.answered + more
        while self.answered < goal:
            assert self._task is not None
            assert not self._task.done(), self._task.exception()
            await asyncio.sleep(EVERY)

    async def _run(self) -> None:
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        async with httpx.AsyncClient(timeout=10, headers={"User-Agent": agent}) as http, asyncio.TaskGroup() as group:
            while not self._stop.is_set():
                group.create_task(self._request(http))
                await asyncio.sleep(self._every)

    async def _request(self, http: httpx.AsyncClient) -> None:
        row = self._random.choice(self._tokens)
        number = self._random.randrange(len(self._shop.links))
        began = asyncio.get_running_loop().time()
        try:
            answer = await http.get(f"{self._url}/c/{row['token']}.{number + 1}")
        except httpx.HTTPError:
            self.unanswered += 1
            return
        assert answer.status_code == 302, (answer.status_code, answer.text)
        self.slowest = max(self.slowest, asyncio.get_running_loop().time() - began)
        self.answered += 1
        contact = row["contact_id"]
        assert isinstance(contact, int)
        self._shop.clicked(contact, number)


async def _close(producer: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(producer.stop(), 2)
    except TimeoutError:
        await producer.client.close()
