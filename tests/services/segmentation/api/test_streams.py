"""Streams of counts are shared and limited, and end when the key is revoked."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from services.segmentation.use_cases import count_streams
from services.segmentation.use_cases.count_streams import MAX_PER_ACCOUNT
from shared.events.labeling import ApiKeyChanged
from shared.http.keys import hash_of
from tests.services.segmentation.rig import ACCOUNT, NOON, Process, Rig, contact
from tests.stack.waiting import until


@pytest.mark.asyncio
async def test_streams_beyond_the_limit_are_refused_until_others_are_closed(rig: Rig) -> None:
    async with rig.process() as process:
        await rig.publish([contact(1, NOON)])
        await until(lambda: process.knows(1))
        path = f"/v1/segments/{await process.create('All', {'all': []})}/stream"
        async with AsyncExitStack() as stack:
            for _ in range(MAX_PER_ACCOUNT):
                answer = await stack.enter_async_context(process.client.stream("GET", path))
                assert answer.status_code == 200
            async with process.client.stream("GET", path) as refused:
                assert refused.status_code == 429
                assert refused.headers["retry-after"] == "5"
                assert "An account has at most" in (await refused.aread()).decode()
            tasks = [task for task in asyncio.all_tasks() if task.get_name() == "count stream"]
            assert len(tasks) == 1, "streams of one segment must share one evaluation"
        await until(lambda: can_open(process, path))
        await until(has_no_evaluation)


@pytest.mark.asyncio
async def test_streams_beyond_the_limit_of_the_process_are_refused(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_streams, "MAX_PER_PROCESS", 1)
    async with rig.process() as process:
        await rig.publish([contact(1, NOON)])
        await until(lambda: process.knows(1))
        path = f"/v1/segments/{await process.create('All', {'all': []})}/stream"
        async with process.client.stream("GET", path), process.client.stream("GET", path) as refused:
            assert refused.status_code == 429
            assert "the limit of a process" in (await refused.aread()).decode()
        await until(has_no_evaluation)


async def has_no_evaluation() -> bool:
    return not [task for task in asyncio.all_tasks() if task.get_name() == "count stream"]


async def can_open(process: Process, path: str) -> bool:
    async with process.client.stream("GET", path) as answer:
        return bool(answer.status_code == 200)


@pytest.mark.asyncio
async def test_a_stream_ends_when_its_key_is_revoked(rig: Rig) -> None:
    async with rig.process() as process:
        await rig.publish([contact(1, NOON)])
        await until(lambda: process.knows(1))
        segment_id = await process.create("All", {"all": []})
        key = ApiKeyChanged(
            occurred_at=NOON,
            account_id=ACCOUNT,
            key_id=uuid4(),
            hash=hash_of(rig.key),
            scopes=("read", "write"),
            revoked=False,
        )
        lines: list[Any] = []
        async with asyncio.timeout(60), process.client.stream("GET", f"/v1/segments/{segment_id}/stream") as stream:
            async for line in stream.aiter_lines():
                lines.append(line)
                if line.startswith("data:"):
                    await rig.publish([replace(key, revoked=True)])
        assert lines, "the stream ended before its first line"


@pytest.mark.asyncio
async def test_the_body_of_an_internal_request_is_not_parsed_without_the_secret(rig: Rig) -> None:
    async with rig.process() as process:
        answer = await process.client.post("/internal/slices", content=b"{ no JSON")
        assert answer.status_code == 404


@pytest.mark.asyncio
async def test_a_forged_cursor_is_rejected(rig: Rig) -> None:
    async with rig.process() as process:
        segment_id = await process.create("All", {"all": []})
        for cursor in ("AAAA", "eyJhIjoxfQ"):
            answer = await process.client.get(f"/v1/segments/{segment_id}/members", params={"cursor": cursor})
            assert answer.status_code == 422
            body: dict[str, Any] = {"criterion": {"all": []}, "cursor": cursor}
            assert (await process.client.post("/v1/criteria/contacts", json=body)).status_code == 422
