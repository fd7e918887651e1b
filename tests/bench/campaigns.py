"""Campaigns: rendering, content decided one by one, delivery to a local mail server."""

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from time import monotonic, perf_counter
from uuid import UUID
from zoneinfo import ZoneInfo

import aiosmtplib
import asyncpg
from aiokafka import AIOKafkaProducer

from deploy.embedded.ports import free_port
from services.delivery.domain.composing import Content, Sender, compose
from services.tracking.domain.blocks import find_blocks
from services.tracking.domain.links import find_links
from services.tracking.domain.plain_text import text_of
from services.tracking.domain.rendering import MailSource, compile_mail, line_of
from services.workflow.domain.facts import StoredFacts
from shared.bus.connection import client_options
from shared.criteria import Criterion, decide_content, is_true
from shared.events.parts import LabelReference
from shared.events.tracking import ContactClicked
from shared.settings import CommonSettings
from tests.bench.campaign_launch import MESSAGE, NOW, WITHIN, request_to
from tests.bench.figure import Figure
from tests.bench.place import Place
from tests.bench.segmentation_audience import BLOCKS
from tests.bench.segmentation_image import ACCOUNT, TODAY, ZONE, label_id
from tests.bench.segmentation_live import EventWriter, contact
from tests.services.delivery.renderer import renderer
from tests.shared.http.serving import serving
from tests.stack.processes import ServiceProcess

RENDERED = 5_000
DELIVERED = 3_000
DECIDED = 5_000


async def run(place: Place) -> list[Figure]:
    """Return all rows."""
    return [
        rendering(),
        content_one_by_one(),
        *await delivery(place),
    ]


def message_html() -> str:
    """Return about 60 kB of HTML with 40 links and a merge tag."""
    filler = '<td style="padding:12px;font-family:serif">A growing dog eats twice what you think, and more.</td>'
    rows = "".join(
        f'<tr>{filler * 12}<td><a href="https://shop.example/item/{number}?from=mail">Item {number}</a></td></tr>'
        for number in range(40)
    )
    return f"<html><body><p>Hello {{{{field.first_name|there}}}}</p><table>{rows}</table></body></html>"


def rendering() -> Figure:
    """Render the mails of many recipients, and compare that with joining the same pieces."""
    html = message_html()
    places = [link.place for link in find_links(html)]
    urls = [f"https://click.example/c/\0.{number}" for number in range(1, len(places) + 1)]
    layout = find_blocks(html)
    source = MailSource(html, layout, places, urls, subject="Hello {{field.first_name}}")
    mail = compile_mail(source, {}, text_of)
    values = {"field.first_name": "An"}
    started = perf_counter()
    for number in range(RENDERED):
        line_of(number, b"x" * 100, mail, values)
    mails = RENDERED / (perf_counter() - started)
    pieces = line_of(1, b"\0", mail, values).split(b"\0")
    started = perf_counter()
    for _ in range(RENDERED):
        (b"x" * 100).join(pieces)
    joined = RENDERED / (perf_counter() - started)
    name = f"tracking: rendering a message of {len(html) // 1000} kB with {len(places)} links"
    return Figure(name, mails, "mails/s", goal=5000, baseline=joined, baseline_of="joining bytes")


def content_one_by_one() -> Figure:
    """Decide five blocks of three variants, contact by contact, from workflow's facts."""
    dice = random.Random(3)
    zone = ZoneInfo(ZONE)
    today = date.fromordinal(TODAY)
    at = datetime.combine(today, datetime.min.time(), UTC)
    stored = []
    for number in range(DECIDED):
        facts = StoredFacts()
        facts.apply(contact(number + 1), zone)
        for _ in range(dice.randrange(4)):
            label = LabelReference(id=label_id(dice.randrange(20)), name="x")
            facts.apply(_click(number + 1, at, label), zone)
        stored.append(facts)
    started = perf_counter()
    for facts in stored:
        decide_content(BLOCKS, partial(_is_true, facts, today))
    name = "workflow: content of 5 blocks of 3 variants, contact by contact"
    return Figure(name, DECIDED / (perf_counter() - started), "contacts/s", goal=20_000)


def _is_true(facts: StoredFacts, today: date, criterion: Criterion) -> bool:
    return is_true(criterion, facts, today)


def _click(contact_id: int, at: datetime, label: LabelReference) -> ContactClicked:
    return ContactClicked(
        occurred_at=at, account_id=ACCOUNT, contact_id=contact_id, click_id=UUID(int=contact_id), message_id=MESSAGE,
        link_id=UUID(int=1), url="https://shop.example", labels=(label,), verdict="human", reasons=(),
    )  # fmt: skip


@contextmanager
def mail_server(folder: Path) -> Iterator[int]:
    """Start a mail server in a process of its own; yield its port."""
    port = free_port()
    process = subprocess.Popen((sys.executable, "-m", "tests.stack.mail_server", str(port), str(folder / f"{port}")))
    try:
        yield port
    finally:
        process.kill()
        process.wait()


async def delivery(place: Place) -> list[Figure]:
    """Measure the mails of one delivery process, from the requests on the topic to the last accepted mail."""
    with place.sandbox() as sandbox, mail_server(place.folder) as port:
        dsn = sandbox.database()
        async with serving(renderer()) as tracking:
            process = sandbox.process(
                "services.delivery",
                "PENCHANT_DELIVERY_PORT",
                {
                    "PENCHANT_DELIVERY_DATABASE": dsn,
                    "PENCHANT_SMTP": f"smtp://127.0.0.1:{port}",
                    "PENCHANT_DELIVERY_KEY": "pk_bench",
                    "PENCHANT_TRACKING_URL": str(tracking.base_url),
                    "PENCHANT_DELIVERY_PER_SECOND": "100000",
                },
            ).start()
            rate = await _delivery_rate(sandbox.settings, process, dsn)
        alone = await _send_rate(port)
    name = "delivery: mails to a mail server of this machine, one process"
    return [Figure(name, rate, "mails/s", goal=500, baseline=alone, baseline_of="aiosmtplib alone in a loop")]


async def _delivery_rate(settings: CommonSettings, process: ServiceProcess, dsn: str) -> float:
    await asyncio.to_thread(process.wait_ready)
    producer = AIOKafkaProducer(**client_options(settings))
    await producer.start()
    writer = EventWriter(settings, producer)
    await writer.write([replace(contact(one), email=f"c{one}@example.com") for one in range(1, DELIVERED + 1)])
    await writer.write([request_to(one) for one in range(1, DELIVERED + 1)])
    await producer.stop()
    connection = await asyncpg.connect(dsn)
    try:
        seconds = "extract(epoch FROM max(ended_at) - min(requested_at))::float"
        query = f"SELECT count(*), {seconds} FROM mails WHERE state = 'sent'"
        deadline = monotonic() + WITHIN
        while True:
            count, took = await connection.fetchrow(query) or (0, 0)
            if count == DELIVERED:
                return DELIVERED / float(took)
            if monotonic() > deadline:
                raise TimeoutError(f"{count} of {DELIVERED} mails")
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def _send_rate(port: int) -> float:
    """Send the same number of mails one after the other, and do nothing else; return mails per second."""
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port)
    await client.connect()
    sender, content = Sender("Shop", "news@shop.example"), Content("Hello there", "Hello there", "<p>Hello there</p>")
    started = monotonic()
    for number in range(DELIVERED):
        mail = compose(
            f"c{number}@example.com", sender, content, idempotency_key=f"alone:{number}", now=NOW, unsubscribe_url=None
        )
        await client.sendmail(sender.email, [f"c{number}@example.com"], bytes(mail))
    rate = DELIVERED / (monotonic() - started)
    await client.quit()
    return rate
