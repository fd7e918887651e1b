"""The spool returns complete clicks in order, and directories of ended processes are adopted."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from services.tracking.redirect.clicks import Click
from services.tracking.redirect.spool import SEGMENT_BYTES, SpoolDirectory, SpoolFull, SpoolWriter, read_segment

MOST_BYTES = 1_000_000_000


def click(number: int, size: int = 10) -> Click:
    return Click(b"id-%d" % number, b"2026-06-01T12:00:00.000000Z", b"", b'{"text":"%s"}' % (b"x" * size))


def spooled(directory: SpoolDirectory) -> list[Click]:
    """Return all clicks of a directory, and remove its files as a drain does."""
    clicks: list[Click] = []
    while (segment := directory.oldest()) is not None:
        clicks += read_segment(segment)
        directory.remove(segment)
    return clicks


def test_clicks_are_read_in_the_order_of_writing(tmp_path: Path) -> None:
    directory = SpoolDirectory.create(tmp_path)
    directory.write([click(1), click(2)], MOST_BYTES)
    directory.write([click(3)], MOST_BYTES)
    assert spooled(directory) == [click(1), click(2), click(3)]
    directory.write([click(4)], MOST_BYTES)
    assert spooled(directory) == [click(4)]


def test_a_full_file_is_followed_by_a_new_one(tmp_path: Path) -> None:
    directory = SpoolDirectory.create(tmp_path)
    for number in range(4):
        directory.write([click(number, SEGMENT_BYTES // 2)], MOST_BYTES)
    assert len(list(directory.path.glob("*.clicks"))) == 2
    assert [len(one.value) for one in spooled(directory)] == [SEGMENT_BYTES // 2 + 11] * 4


@pytest.mark.parametrize("cut", [1, 5, 20, 40])
def test_an_incompletely_written_click_is_skipped(tmp_path: Path, cut: int) -> None:
    directory = SpoolDirectory.create(tmp_path)
    directory.write([click(1), click(2)], MOST_BYTES)
    segment = directory.oldest()
    assert segment is not None
    segment.write_bytes(segment.read_bytes()[:-cut])
    assert list(read_segment(segment)) == [click(1)]


def test_a_corrupted_click_is_skipped(tmp_path: Path) -> None:
    directory = SpoolDirectory.create(tmp_path)
    directory.write([click(1), click(2)], MOST_BYTES)
    segment = directory.oldest()
    assert segment is not None
    segment.write_bytes(segment.read_bytes().replace(b"id-2", b"id-9"))
    assert list(read_segment(segment)) == [click(1)]


def test_a_write_beyond_the_size_limit_raises_spool_full(tmp_path: Path) -> None:
    directory = SpoolDirectory.create(tmp_path)
    directory.write([click(1)], 1000)
    with pytest.raises(SpoolFull):
        directory.write([click(2, 1000)], 1000)
    assert spooled(directory) == [click(1)]
    directory.write([click(3)], 1000)


def test_a_directory_is_locked_by_its_process_and_adopted_after_it_died(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys\n"
        "from services.tracking.redirect.clicks import Click\n"
        "from services.tracking.redirect.spool import SpoolDirectory\n"
        "directory = SpoolDirectory.create(pathlib.Path(sys.argv[1]))\n"
        "directory.write([Click(b'id-1', b'2026-06-01T12:00:00.000000Z', b'', b'{\"text\":\"xxxxxxxxxx\"}')], 10**9)\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        (path,) = tmp_path.iterdir()
        assert SpoolDirectory.adopt(path) is None
        process.communicate(b"\n")
    adopted = SpoolDirectory.adopt(path)
    assert adopted is not None
    assert spooled(adopted) == [click(1)]
    adopted.close()
    assert list(tmp_path.iterdir()) == []


def test_closing_removes_a_directory_only_if_it_is_empty(tmp_path: Path) -> None:
    directory = SpoolDirectory.create(tmp_path)
    directory.write([click(1)], MOST_BYTES)
    directory.close()
    again = SpoolDirectory.adopt(directory.path)
    assert again is not None
    again.write([click(2)], MOST_BYTES)
    assert spooled(again) == [click(1), click(2)]
    again.close()
    assert SpoolDirectory.adopt(directory.path) is None


@pytest.mark.asyncio
async def test_callbacks_run_once_the_clicks_are_on_disk(tmp_path: Path) -> None:
    directory = SpoolDirectory.create(tmp_path)
    lost: list[int] = []
    writer = SpoolWriter(directory, MOST_BYTES, lost.append)
    on_disk: list[int] = []
    for number in range(100):
        writer.add(click(number), lambda: on_disk.append(directory.size()))
    assert on_disk == []
    await writer.finish()
    assert len(on_disk) == 100
    assert all(size > 0 for size in on_disk)
    assert spooled(directory) == [click(number) for number in range(100)]
    assert lost == []


@pytest.mark.asyncio
async def test_a_click_that_exceeds_the_spool_counts_as_lost_and_is_answered(tmp_path: Path) -> None:
    lost: list[int] = []
    writer = SpoolWriter(SpoolDirectory.create(tmp_path), 50, lost.append)
    answered = asyncio.Event()
    writer.add(click(1), answered.set)
    async with asyncio.timeout(5):
        await answered.wait()
    assert lost == [1]
