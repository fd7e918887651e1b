"""Valid and invalid requests, generated from the OpenAPI document, get documented responses and no 5xx."""

import asyncio
from pathlib import Path

import pytest

from tests.services.tracking.rig import Rig
from tests.stack.bad_input import send_bad_input


@pytest.mark.timeout(300)
@pytest.mark.asyncio
async def test_schemathesis_finds_no_failures(rig: Rig, tmp_path: Path) -> None:
    async with await rig.client("read", "write") as client:
        authorization = client.headers["authorization"]
        await asyncio.to_thread(
            send_bad_input, rig.process.url, authorization, tmp_path, 5, "--phases=coverage,fuzzing"
        )
