"""Neither valid nor invalid requests get a 5xx or an undocumented answer."""

import asyncio
from pathlib import Path

import pytest

from shared.store.database import Database
from tests.shared.http.serving import Keys, make_app, serving
from tests.stack.bad_input import send_bad_input


@pytest.mark.asyncio
async def test_schemathesis_finds_no_failure(database: Database, tmp_path: Path) -> None:
    keys = Keys()
    authorization = f"Bearer {keys.make('admin')}"
    async with serving(make_app(keys, database)) as client:
        url = str(client.base_url).rstrip("/")
        await asyncio.to_thread(send_bad_input, url, authorization, tmp_path, 10, "--phases=coverage,fuzzing")
