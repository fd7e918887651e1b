"""Clicks on `tracking.clicks`, as tracking writes them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aiokafka import AIOKafkaProducer
from uuid_utils.compat import uuid7

from shared.bus.connection import client_options
from shared.events.codec import body_of, headers_of
from shared.events.parts import LabelReference, Send
from shared.events.topics import partition_of
from shared.events.tracking import ContactClicked
from shared.settings import CommonSettings

AT_ONCE = 2_000  # clicks of one partition between two acknowledgements


def clicks_of(
    contacts: Sequence[int], labels: Sequence[LabelReference], account_id: int = 1, message_id: UUID | None = None
) -> Iterator[ContactClicked]:
    """Yield a human click of each of `contacts`, on links with one of `labels` each, in turn."""
    message = message_id or uuid7()
    links = [uuid7() for _ in labels]
    start = datetime.now(UTC) - timedelta(hours=1)
    send = Send(kind="campaign", id="spring", sent_at=start)
    for number, contact in enumerate(contacts):
        yield ContactClicked(
            occurred_at=start + timedelta(milliseconds=number),
            account_id=account_id,
            contact_id=contact,
            click_id=uuid7(),
            message_id=message,
            send=send,
            link_id=links[number % len(links)],
            url="https://shop.example.com/puppies/food?campaign=spring&place=top",
            labels=(labels[number % len(labels)],),
            verdict="human",
            reasons=(),
        )


class ClickWriter:
    """Writes clicks in place of tracking; sequences continue from call to call."""

    def __init__(self, settings: CommonSettings) -> None:
        self._settings = settings
        self.sequence = 0

    async def write(self, clicks: Iterator[ContactClicked]) -> int:
        """Write all clicks; return their number."""
        producer = AIOKafkaProducer(
            acks="all", compression_type="zstd", max_batch_size=900_000, **client_options(self._settings)
        )
        await producer.start()
        try:
            lanes: dict[int, list[ContactClicked]] = {}
            written = 0
            for click in clicks:
                number = partition_of(click.account_id, click.contact_id, self._settings.partitions)
                lane = lanes.setdefault(number, [])
                lane.append(click)
                written += 1
                if len(lane) >= AT_ONCE:
                    await self._send(producer, number, lanes.pop(number))
            for number, lane in lanes.items():
                await self._send(producer, number, lane)
            return written
        finally:
            await producer.stop()

    async def _send(self, producer: AIOKafkaProducer, number: int, clicks: Sequence[ContactClicked]) -> None:
        sent = 0
        while sent < len(clicks):
            batch = producer.create_batch()
            while sent < len(clicks):
                click = clicks[sent]
                headers = headers_of(
                    click.type(), click.event_id, "/tracking", click.occurred_at, self.sequence + 1,
                    {"labeling.contacts": 7}, str(click.click_id), str(click.click_id), None,
                )  # fmt: skip
                if batch.append(
                    key=click.key.encode(), value=body_of(click), timestamp=None, headers=headers
                ) is None:  # fmt: skip
                    break
                self.sequence += 1
                sent += 1
            topic = self._settings.topic_prefix + "tracking.clicks"
            await (await producer.send_batch(batch, topic, partition=number))
