"""Fixtures of segmentation: its migrations, and a rig."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.segmentation.store import MIGRATIONS
from tests.conftest import TestKafka
from tests.services.segmentation.rig import Rig, make_rig


@pytest.fixture
def migrations() -> tuple[Path, ...]:
    return (MIGRATIONS,)


@pytest_asyncio.fixture
async def rig(kafka: TestKafka, migrated_dsn: str, topic_prefix: str) -> AsyncIterator[Rig]:
    async with make_rig(kafka.bootstrap, migrated_dsn, topic_prefix) as made:
        yield made
