"""Whatever the OpenAPI document allows or forbids is sent: no 5xx, and no answer that the document does not know."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.services.tracking.world import World

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "ignored_auth",
)


@pytest.mark.timeout(300)
@pytest.mark.asyncio
async def test_schemathesis_finds_nothing(world: World, tmp_path: Path) -> None:
    async with await world.client("read", "write") as client:
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{world.process.url}/openapi.json",
            f"--header=Authorization: {client.headers['authorization']}",
            f"--checks={','.join(CHECKS)}",
            "--phases=coverage,fuzzing",
            "--max-examples=5",
            "--exclude-path-regex=held-records",  # the operator's
            "--no-color",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=tmp_path,
        )
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-20_000:]
