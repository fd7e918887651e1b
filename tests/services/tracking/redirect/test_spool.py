"""Clicks on disk are complete or absent, in order, and soon taken over by a process."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from services.tracking.redirect.clicks import Click
from services.tracking.redirect.spool import SEGMENT_BYTES, SpoolDirectory, SpoolFull, SpoolWriter, read_segment

ENOUGH = 1_000_000_000


def click(number: int, size: int = 10) -> Click:
    return Click(b"id-%d" % number, b"2026-06-01T12:00:00.000000Z", b"", b'{"text":"%s"}' % (b"x" * size))


def spooled(directory: SpoolDirectory) -> list[Click]:
    """Return all clicks of a directory, removed as a drain removes them."""
    clicks: list[Click] = []
    while (segment := directory.oldest()) is not None:
        clicks += read_segment(segment)
        directory.remove(segment)
    return clicks


def test_what_was_written_is_read_in_order(tmp_path: Path) -> None:
    directory = SpoolDirectory.create(tmp_path)
    directory.write([click(1), click(2)], ENOUGH)
    directory.write([click(3)], ENOUGH)
    assert spooled(directory) == [click(1), click(2), click(3)]
    directory.write([click(4)], ENOUGH)
    assert spooled(directory) == [click(4)]


def test_a_file_that_is_large_enough_is_followed_by_another(tmp_path: Path) -> None:
    directory = SpoolDirectory.create(tmp_path)
    for number in range(4):
        directory.write([click(number, SEGMENT_BYTES // 2)], ENOUGH)
    assert len(list(directory.path.glob("*.clicks"))) == 2
    assert [len(one.value) for one in spooled(directory)] == [SEGMENT_BYTES // 2 + 11] * 4


@pytest.mark.parametrize("cut", [1, 5, 20, 40])
def test_a_click_that_was_being_written_when_the_power_went_is_passed_over(tmp_path: Path, cut: int) -> None:
    directory = SpoolDirectory.create(tmp_path)
    directory.write([click(1), click(2)], ENOUGH)
    segment = directory.oldest()
    assert segment is not None
    segment.write_bytes(segment.read_bytes()[:-cut])
    assert list(read_segment(segment)) == [click(1)]


def test_bits_that_have_rotted_are_not_taken_for_a_click(tmp_path: Path) -> None:
    directory = SpoolDirectory.create(tmp_path)
    directory.write([click(1), click(2)], ENOUGH)
    segment = directory.oldest()
    assert segment is not None
    segment.write_bytes(segment.read_bytes().replace(b"id-2", b"id-9"))
    assert list(read_segment(segment)) == [click(1)]


def test_it_grows_to_its_limit_and_no_further(tmp_path: Path) -> None:
    directory = SpoolDirectory.create(tmp_path)
    directory.write([click(1)], 1000)
    with pytest.raises(SpoolFull):
        directory.write([click(2, 1000)], 1000)
    assert spooled(directory) == [click(1)]
    directory.write([click(3)], 1000)


def test_a_directory_is_one_process_at_a_time_and_adopted_after_it_died(tmp_path: Path) -> None:
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


def test_one_with_clicks_is_not_removed(tmp_path: Path) -> None:
    directory = SpoolDirectory.create(tmp_path)
    directory.write([click(1)], ENOUGH)
    directory.close()
    again = SpoolDirectory.adopt(directory.path)
    assert again is not None
    again.write([click(2)], ENOUGH)
    assert spooled(again) == [click(1), click(2)]
    again.close()
    assert SpoolDirectory.adopt(directory.path) is None


@pytest.mark.asyncio
async def test_whoever_waits_hears_of_it_once_it_is_on_disk(tmp_path: Path) -> None:
    directory = SpoolDirectory.create(tmp_path)
    lost: list[int] = []
    writer = SpoolWriter(directory, ENOUGH, lost.append)
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
async def test_what_can_be_kept_nowhere_is_counted_and_nobody_waits_for_it(tmp_path: Path) -> None:
    lost: list[int] = []
    writer = SpoolWriter(SpoolDirectory.create(tmp_path), 50, lost.append)
    answered = asyncio.Event()
    writer.add(click(1), answered.set)
    async with asyncio.timeout(5):
        await answered.wait()
    assert lost == [1]
