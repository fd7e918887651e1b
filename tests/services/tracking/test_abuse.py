"""Expensive requests of one account do not delay the answers of others."""

import asyncio
import base64
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import cycle, islice
from typing import Any

import httpx
import pytest

from tests.services.tracking.rig import Rig, click, open_rig

REPORTS = 26
LARGE = 1_100_000  # incompressible bytes
TOKENS = 10_000
LINKS = 3_000
REDIRECTS = 50


def noise(length: int) -> str:
    """Return text that cannot be compressed."""
    return base64.b64encode(random.Random(length).randbytes(length)).decode()[:length]


def large_reports() -> Iterator[dict[str, Any]]:
    """Yield reports that are too large, each because of a different field."""
    text = noise(LARGE)
    yield {"user_agent": text}
    yield {"headers": {"referer": text}}
    yield {"url": f"https://shop.example/{text}", "link_id": None}
    yield {"id": text}
    yield {"unknown": text}


@pytest.mark.asyncio
async def test_large_reports_are_rejected_without_errors_for_other_requests(rig: Rig) -> None:
    message = await rig.message('<a href="https://shop.example/dogs">Dogs</a>')
    await rig.contacts(7)
    redirect = next(iter((await rig.tokens(message, 7))[7].values()))
    async with open_rig(rig.process, rig.account_id + 10_000) as other:
        other_message = await other.message('<a href="https://shop.example/cats">Cats</a>')
        await other.contacts(7)
        large = islice(cycle(large_reports()), REPORTS)
        rejected = [rig.http.post("/v1/clicks", json=[click(message, **one)], timeout=60) for one in large]
        accepted = [other.http.post("/v1/clicks", json=[click(other_message)], timeout=60) for _ in range(REPORTS)]
        redirected = [rig.browser.get(redirect) for _ in range(REPORTS)]
        answers = await asyncio.gather(*rejected, *accepted, *redirected)
        statuses = [answer.status_code for answer in answers]
        assert set(statuses[:REPORTS]) <= {413, 422}
        assert set(statuses[REPORTS : 2 * REPORTS]) == {202}
        assert set(statuses[2 * REPORTS :]) == {302}
        await other.click_events(REPORTS)
    await rig.click_events(REPORTS)


@pytest.mark.asyncio
async def test_an_oversized_body_gets_a_413_and_other_requests_succeed(rig: Rig) -> None:
    message = await rig.message('<a href="https://shop.example/dogs">Dogs</a>')
    await rig.contacts(7)
    body = b"[" + b" " * 11_000_000 + b"]"
    headers = {"content-type": "application/json"}
    rejected = [rig.http.post("/v1/clicks", content=body, headers=headers, timeout=60) for _ in range(3)]
    *too_large, accepted = await asyncio.gather(*rejected, rig.http.post("/v1/clicks", json=[click(message)]))
    assert [answer.status_code for answer in too_large] == [413] * 3
    assert accepted.status_code == 202


@pytest.mark.asyncio
async def test_redirects_are_answered_while_millions_of_links_are_generated(rig: Rig) -> None:
    """Two requests stream 10,000 tokens with 3,000 links each, some gigabytes, and are cancelled before the end."""
    html = "".join(f'<a href="https://shop.example/{number}">{number}</a>' for number in range(LINKS))
    message = await rig.message(html)
    await rig.contacts(7)
    await rig.pool.execute(
        "INSERT INTO contacts (account_id, contact_id, state, tracked, sequence)"
        " SELECT $1, number, 'active', true, 0 FROM generate_series(1000, 1000 + $2::bigint - 1) AS number",
        rig.account_id,
        TOKENS,
    )
    answer = await rig.http.get(f"/v1/messages/{message['id']}/html?contact_id=7")
    redirect = answer.text.partition('href="')[2].partition('"')[0]
    path = f"/v1/messages/{message['id']}/tokens"
    body = {"contact_ids": list(range(1000, 1000 + TOKENS))}
    blocked = 'penchant_event_loop_holds_total{where="services.tracking.api.tokens'
    before = rig.process.metric(blocked)
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(rig.http.stream("POST", path, json=body, timeout=120)) for _ in range(2)
        ]
        readers = [asyncio.create_task(read_to_end(stream)) for stream in streams]
        for _ in range(REDIRECTS):
            assert (await rig.browser.get(redirect)).status_code == 302
        assert not any(reader.done() for reader in readers), "the links must still be generated during the redirects"
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    assert rig.process.metric(blocked) == before, "generating links must not block the event loop"


async def read_to_end(stream: httpx.Response) -> int:
    """Read a response to its end; return the number of bytes."""
    count = 0
    async for piece in stream.aiter_raw():
        count += len(piece)
    return count
