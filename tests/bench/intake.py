"""Clicks on `intake.clicks`, as a delivery pipeline reports them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from shared.bus.connection import client_options
from shared.events.codec import body_of
from shared.events.intake import ClickReported, ReportedSend
from shared.settings import CommonSettings
from tests.stack.shop import Shop

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def write_intake(settings: CommonSettings, shop: Shop, contacts: Sequence[int]) -> None:
    """Report a click of each of `contacts`, on the shop's links in turn."""
    producer = AIOKafkaProducer(acks="all", compression_type="lz4", max_batch_size=900_000, **client_options(settings))
    await producer.start()
    sent_at = datetime.now(UTC) - timedelta(hours=1)
    send = ReportedSend(kind="campaign", id="spring", sent_at=sent_at)
    topic = settings.topic_prefix + "intake.clicks"
    batch, partition = producer.create_batch(), 0
    try:
        for number, contact in enumerate(contacts):
            report = ClickReported(
                account_id=shop.account_id,
                contact_id=contact,
                message_id=shop.message_id,
                link_id=shop.links[number % len(shop.links)][0],
                send=send,
                occurred_at=sent_at + timedelta(milliseconds=number),
                user_agent=AGENT,
                ip="192.0.2.7",
            )
            headers = [
                ("ce_specversion", b"1.0"),
                ("ce_id", str(uuid4()).encode()),
                ("ce_source", b"/pipeline"),
                ("ce_type", b"penchant.ClickReported.v1"),
            ]
            value = body_of(report)
            if batch.append(key=None, value=value, timestamp=None, headers=headers) is None:
                await (await producer.send_batch(batch, topic, partition=partition))
                batch, partition = producer.create_batch(), (partition + 1) % settings.partitions
                batch.append(key=None, value=value, timestamp=None, headers=headers)
        await (await producer.send_batch(batch, topic, partition=partition))
    finally:
        await producer.stop()
