"""Operators list dead letters and replay them to the topics that they came from."""

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from shared.bus import letters as module
from shared.bus.follower import Follower
from shared.bus.letters import Letter, Letters, merged
from shared.bus.producer import IntakeProducer
from shared.bus.topics import ensure_topics
from shared.settings import CommonSettings
from tests.conftest import TestKafka

HEADERS = [("ce_id", b"1"), ("odd", b"\xff"), ("empty", None)]
DeadHeaders = list[tuple[str, bytes | None]]


def dead_headers(offset: int, topic: str = "intake.clicks") -> DeadHeaders:
    return [
        *HEADERS,
        ("dead_reason", b"not_json: line 1"),
        ("dead_topic", topic.encode()),
        ("dead_partition", b"3"),
        ("dead_offset", str(offset).encode()),
        ("dead_service", b"tracking"),
    ]


@pytest_asyncio.fixture
async def settings(kafka: TestKafka, topic_prefix: str) -> AsyncIterator[CommonSettings]:
    made = CommonSettings(kafka=kafka.bootstrap, topic_prefix=topic_prefix, partitions=2)
    await ensure_topics(made)
    yield made


async def write_letters(settings: CommonSettings, count: int, topic: str = "intake.clicks") -> None:
    producer = IntakeProducer(settings)
    await producer.send(
        f"{topic}.dead", [(b"key", f"v{n}".encode(), dead_headers(n, topic)) for n in range(count)], within=30
    )
    await producer.stop()


async def listed(settings: CommonSettings, *, replayed: bool = False) -> list[Letter]:
    async with Letters(settings) as letters:
        return await letters.read(replayed=replayed)


async def replay(settings: CommonSettings, *ids: str) -> None:
    async with Letters(settings) as letters:
        found = {letter.id: letter for letter in await letters.read()}
        await letters.replay([found[letter_id] for letter_id in ids])


@pytest.mark.asyncio
async def test_a_letter_has_the_original_record_and_the_reason(settings: CommonSettings) -> None:
    await write_letters(settings, 1)

    (letter,) = await listed(settings)

    assert letter.id == "intake.clicks.dead:0"
    assert (letter.reason, letter.service) == ("not_json: line 1", "tracking")
    assert (letter.origin_topic, letter.origin_partition, letter.origin_offset) == ("intake.clicks", "3", "0")
    assert (letter.key, letter.value, list(letter.headers)) == (b"key", b"v0", HEADERS)


@pytest.mark.asyncio
async def test_a_replay_writes_the_original_record_and_removes_the_letter_from_the_list(
    settings: CommonSettings,
) -> None:
    await write_letters(settings, 4)
    await write_letters(settings, 1, "intake.engagements")

    await replay(settings, "intake.clicks.dead:2", "intake.engagements.dead:0")

    async with Follower(settings, from_beginning=["intake.clicks", "intake.engagements"]) as follower:
        written = dict(await follower.read_to_end())
    assert written.keys() == {"intake.clicks", "intake.engagements"}
    record = written["intake.clicks"]
    assert (record.key, record.value, list(record.headers)) == (b"key", b"v2", HEADERS)
    assert {letter.offset for letter in await listed(settings)} == {0, 1, 3}
    assert len(await listed(settings, replayed=True)) == 5


@pytest.mark.asyncio
async def test_letters_that_are_replayed_one_by_one_are_no_longer_listed(settings: CommonSettings) -> None:
    await write_letters(settings, 5)

    for offset in (3, 0, 4, 1):
        await replay(settings, f"intake.clicks.dead:{offset}")

    assert [letter.offset for letter in await listed(settings)] == [2]
    await replay(settings, "intake.clicks.dead:2")
    assert await listed(settings) == []


@pytest.mark.asyncio
async def test_replays_more_letters_than_fit_between_two_marks(
    settings: CommonSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)
    await write_letters(settings, 8)
    async with Letters(settings) as letters:
        assert await letters.replay(await letters.read()) == 8

    assert await listed(settings) == []


@pytest.mark.asyncio
async def test_the_oldest_marks_are_dropped_if_there_are_too_many_gaps(
    settings: CommonSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MARK_BYTES", 6)
    await write_letters(settings, 10)

    await replay(settings, *(f"intake.clicks.dead:{offset}" for offset in (1, 3, 5, 7, 9)))

    assert [letter.offset for letter in await listed(settings)] == [0, 1, 2, 3, 4, 6, 8]


@given(st.lists(st.integers(0, 30)))
def test_ranges_contain_exactly_the_given_offsets(offsets: list[int]) -> None:
    ranges = merged((offset, offset) for offset in offsets)

    assert {offset for first, last in ranges for offset in range(first, last + 1)} == set(offsets)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(ranges))
    assert module._decode_ranges(module._encode_ranges(ranges)) == ranges
