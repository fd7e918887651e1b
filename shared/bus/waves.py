"""Divides unpublished events into waves: an event is sent after the events that it names are acknowledged."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from math import inf

import asyncpg

from shared.bus.record import PartitionId
from shared.events.codec import after_of
from shared.events.topics import CATALOG_PARTITION, TOPICS


class Waves:
    """The events that a relay has read at once; at most `most` of each partition number.

    Call `next`, send its events, call `acknowledged`; repeat until `next` returns none. If all were sent at once, a
    consumer could read an event, then read the topics that it names to their ends without finding the named event, and
    continue without it.
    """

    def __init__(self, rows: Iterable[asyncpg.Record], most: int) -> None:
        self._waiting: dict[int, deque[asyncpg.Record]] = defaultdict(deque)
        self._acknowledged: dict[int, float] = {}
        for row in rows:
            self._waiting[row["partition"]].append(row)
            self._acknowledged[row["partition"]] = row["published"]
        # If fewer than `most` were read, there are no more: every unsent event of these numbers is among them.
        self._complete = {number for number, waiting in self._waiting.items() if len(waiting) < most}

    def next(self) -> list[asyncpg.Record]:
        """Return the events that may be sent now: in order, from the first one of each partition number."""
        wave: list[asyncpg.Record] = []
        for waiting in self._waiting.values():
            while waiting and self._may_be_sent(waiting[0]):
                wave.append(waiting.popleft())
        return wave

    def _may_be_sent(self, row: asyncpg.Record) -> bool:
        if not row["after"]:
            return True
        writer = TOPICS[row["topic"]].writer
        for topic, sequence in after_of(row["after"].encode()).items():
            cause_topic = TOPICS.get(topic)
            if cause_topic is None or cause_topic.writer != writer:
                continue
            number = CATALOG_PARTITION if cause_topic.kind == "catalog" else row["partition"]
            if sequence > self._acknowledged.get(number, inf):
                return False
        return True

    def acknowledged(self, wave: Iterable[asyncpg.Record]) -> Mapping[int, tuple[int, int]]:
        """Note that a wave is acknowledged; return the position before it and its last one, by partition number."""
        moved: dict[int, tuple[int, int]] = {}
        for row in wave:
            number = row["partition"]
            first, _ = moved.get(number, (int(self._acknowledged[number]), 0))
            moved[number] = (first, row["position"])
        for number, (_, last) in moved.items():
            all_sent = not self._waiting[number] and number in self._complete
            self._acknowledged[number] = inf if all_sent else last
        return moved


def by_topic(
    wave: Iterable[asyncpg.Record],
) -> tuple[Mapping[PartitionId, list[asyncpg.Record]], list[asyncpg.Record]]:
    """Split a wave into rows for plain topics, by topic and partition, and rows for compacted topics."""
    plain: dict[PartitionId, list[asyncpg.Record]] = defaultdict(list)
    compacted: list[asyncpg.Record] = []
    for row in wave:
        if TOPICS[row["topic"]].compacted:
            compacted.append(row)
        else:
            plain[PartitionId(row["topic"], row["partition"])].append(row)
    return plain, compacted
