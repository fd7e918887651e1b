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
    """Return reports that are too large, one for each way in which a report can be."""
    text = noise(LARGE)
    yield {"user_agent": text}
    yield {"headers": {"referer": text}}
    yield {"url": f"https://shop.example/{text}", "link_id": None}
    yield {"id": text}
    yield {"unknown": text}


@pytest.mark.asyncio
async def test_large_reports_of_one_key_are_refused_and_nobody_else_gets_an_error(rig: Rig) -> None:
    message = await rig.message('<a href="https://shop.example/dogs">Dogs</a>')
    await rig.contacts(7)
    redirect = next(iter((await rig.tokens(message, 7))[7].values()))
    async with open_rig(rig.process, rig.account_id + 10_000) as other:
        theirs = await other.message('<a href="https://shop.example/cats">Cats</a>')
        await other.contacts(7)
        large = islice(cycle(large_reports()), REPORTS)
        refused = [rig.http.post("/v1/clicks", json=[click(message, **one)], timeout=60) for one in large]
        taken = [other.http.post("/v1/clicks", json=[click(theirs)], timeout=60) for _ in range(REPORTS)]
        followed = [rig.browser.get(redirect) for _ in range(REPORTS)]
        answers = await asyncio.gather(*refused, *taken, *followed)
        statuses = [answer.status_code for answer in answers]
        assert set(statuses[:REPORTS]) <= {413, 422}
        assert set(statuses[REPORTS : 2 * REPORTS]) == {202}
        assert set(statuses[2 * REPORTS :]) == {302}
        await other.clicked(REPORTS)
    await rig.clicked(REPORTS)


@pytest.mark.asyncio
async def test_a_body_beyond_the_limit_is_413_and_harms_nobody(rig: Rig) -> None:
    message = await rig.message('<a href="https://shop.example/dogs">Dogs</a>')
    await rig.contacts(7)
    body = b"[" + b" " * 11_000_000 + b"]"
    headers = {"content-type": "application/json"}
    refused = [rig.http.post("/v1/clicks", content=body, headers=headers, timeout=60) for _ in range(3)]
    *too_large, taken = await asyncio.gather(*refused, rig.http.post("/v1/clicks", json=[click(message)]))
    assert [answer.status_code for answer in too_large] == [413] * 3
    assert taken.status_code == 202


@pytest.mark.asyncio
async def test_redirects_are_answered_while_millions_of_links_are_made(rig: Rig) -> None:
    """Two concurrent requests for 10,000 tokens with 3,000 links each, some gigabytes, of which a part is read."""
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
    made = 'penchant_event_loop_holds_total{where="services.tracking.api.tokens'
    before = rig.process.metric(made)
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(rig.http.stream("POST", path, json=body, timeout=120)) for _ in range(2)
        ]
        readers = [asyncio.create_task(read_on(stream)) for stream in streams]
        for _ in range(REDIRECTS):
            assert (await rig.browser.get(redirect)).status_code == 302
        assert not any(reader.done() for reader in readers), "the links were made meanwhile"
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    assert rig.process.metric(made) == before, "no piece of the answer held the event loop"


async def read_on(stream: httpx.Response) -> int:
    """Read to the end; return the number of bytes."""
    count = 0
    async for piece in stream.aiter_raw():
        count += len(piece)
    return count
