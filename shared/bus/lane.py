"""The queue of records that wait to be processed, in an order that puts causes first."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from shared import metrics
from shared.bus.checkpoints import Checkpoint
from shared.bus.record import PartitionId, Record
from shared.bus.sequences import is_forged, sequence_of
from shared.events.codec import Headers, after_of

log = structlog.get_logger()

CATALOG = 0  # the one partition of a catalog topic

Fetched = tuple[str, Record, Headers]  # the topic, and the record with its headers as a dict, which is built once


def _parse_after(text: bytes | None) -> Mapping[str, int]:
    try:
        return after_of(text)
    except ValueError:
        return {}


@dataclass(slots=True)
class Queue:
    """The fetched records of one part, and how far they have been taken."""

    next_fetch: int  # the offset that comes next from Kafka
    next_offset: int  # the offset after the last record taken
    sequence: int  # the highest sequence taken
    last_satisfied: bytes | None = None  # the last satisfied `ce_after`: the records of a unit of work share it
    records: deque[Record] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class TakenRecords:
    """Records to process now, in order within each part and merged so that causes come first; and the checkpoints after
    them."""

    records: Sequence[Fetched]
    moved: Mapping[PartitionId, Checkpoint]

    @property
    def sequences(self) -> dict[str, int]:
        """Return the highest sequence of each topic, of one partition number."""
        return {part.topic: checkpoint.sequence for part, checkpoint in self.moved.items()}


class CatalogProgress(Protocol):
    """How far this process has read the catalogs that it follows."""

    def sequence(self, topic: str) -> int | None:
        """Return the highest sequence read of a catalog topic; None if it is not followed."""
        ...


class Lane:
    """Merges the records of parts: topics of one partition number, or partitions of an intake topic (not `aligned`).

    A record that names sequences of other topics in `ce_after` waits until those have been taken, and until `catalogs`
    have been read that far. The wait also ends when `release` reports that a topic has been read to the end that it had
    when the wait began, and when the topic's next record has a higher sequence than the named one, which compaction has
    then removed. That next record is taken first, without waiting; otherwise two records that wait for each other would
    never be taken. Records whose sequence was seen before are skipped: a relay may send a record twice.
    """

    def __init__(
        self, queues: Mapping[PartitionId, Queue], aligned: bool, catalogs: CatalogProgress | None = None
    ) -> None:
        self.queues = dict(queues)
        self._aligned = aligned
        self._catalogs = catalogs
        self._released: frozenset[PartitionId] = frozenset()

    def push(self, part: PartitionId, records: Iterable[Record]) -> None:
        """Add fetched records; those that were added before are dropped (a fetch may overlap a seek)."""
        queue = self.queues[part]
        for record in records:
            if record.offset >= queue.next_fetch:
                queue.records.append(record)
                queue.next_fetch = record.offset + 1

    def __len__(self) -> int:
        return sum(len(queue.records) for queue in self.queues.values())

    def size(self, part: PartitionId) -> int:
        """Return the number of waiting records of a part."""
        return len(self.queues[part].records)

    def take(self, most: int) -> TakenRecords:
        """Take the next records; none if all first records wait for another part.

        At most `most` records are examined, so that a long run of repeated records does not block the event loop.
        """
        taken: list[Fetched] = []
        remaining, progress = most, True
        touched: set[PartitionId] = set()
        while progress and remaining > 0:
            progress = False
            for part, queue in self.queues.items():
                count = self._take_from(part, queue, taken, remaining)
                if count:
                    remaining -= count
                    progress = True
                    touched.add(part)
            overtaken = None if progress else self._overtaken()
            if overtaken is not None:
                remaining -= self._take_from(overtaken, self.queues[overtaken], taken, 1, waiting=False)
                progress = True
                touched.add(overtaken)
        self._released = frozenset()
        if not self._aligned:
            first = next(iter(self.queues))
            self.queues[first] = self.queues.pop(first)  # last in the next call, so that each part gets its turn
        return TakenRecords(
            taken, {part: Checkpoint(self.queues[part].next_offset, self.queues[part].sequence) for part in touched}
        )

    def _take_from(
        self, part: PartitionId, queue: Queue, taken: list[Fetched], most: int, *, waiting: bool = True
    ) -> int:
        """Add records to `taken`; return how many were examined, at most `most`."""
        count = 0
        records = queue.records
        while records and count < most:
            record = records[0]
            headers = dict(record.headers)
            sequence = sequence_of(headers) if self._aligned else 0
            # Without a sequence a duplicate cannot be recognised; decoding reports the missing header.
            if is_forged(sequence, queue.sequence):
                self._refuse(part, record, sequence)
            elif sequence == 0 or sequence > queue.sequence:
                if self._aligned and waiting and self._must_wait(part, queue, headers.get("ce_after")):
                    break
                queue.sequence = max(queue.sequence, sequence)
                taken.append((part.topic, record, headers))
            else:
                metrics.RECORDS_REPEATED.labels(part.topic).inc()
            records.popleft()
            queue.next_offset = record.offset + 1
            count += 1
        return count

    def _refuse(self, part: PartitionId, record: Record, sequence: int) -> None:
        metrics.RECORDS_DROPPED.labels(part.topic, "sequence").inc()
        log.error(
            "record rejected: its sequence cannot be from the topic's writer", topic=part.topic,
            partition=part.partition, offset=record.offset, sequence=sequence,
        )  # fmt: skip

    def _overtaken(self) -> PartitionId | None:
        """Return the part to take from if all first records wait: one whose sequence is beyond what another waits
        for."""
        heads = {part: dict(queue.records[0].headers) for part, queue in self.queues.items() if queue.records}
        sequences = {part: sequence_of(headers) for part, headers in heads.items()}
        beyond = {
            other
            for part, headers in heads.items()
            for topic, sequence in _parse_after(headers.get("ce_after")).items()
            if (other := PartitionId(topic, part.partition)) in heads
            and topic != part.topic
            and self.queues[other].sequence < sequence < sequences[other]
        }
        return min(beyond, key=sequences.__getitem__, default=None)

    def _must_wait(self, part: PartitionId, queue: Queue, after: bytes | None) -> bool:
        if after == queue.last_satisfied:
            return False
        missing = self._missing(part, after)
        if not missing:
            queue.last_satisfied = after
        return bool(missing - self._released)

    def _missing(self, part: PartitionId, after: bytes | None) -> set[PartitionId]:
        missing = set()
        for topic, sequence in _parse_after(after).items():
            queue = self.queues.get(PartitionId(topic, part.partition))
            if queue is not None:
                if topic != part.topic and queue.sequence < sequence:
                    missing.add(PartitionId(topic, part.partition))
            elif self._catalogs is not None:
                catalog_sequence = self._catalogs.sequence(topic)
                if catalog_sequence is not None and catalog_sequence < sequence:
                    missing.add(PartitionId(topic, CATALOG))
        return missing

    def put_back(self, taken: TakenRecords, checkpoints: Mapping[PartitionId, Checkpoint]) -> None:
        """Undo a `take` whose transaction failed: its records come first again."""
        for topic, record, _ in reversed(taken.records):
            self.queues[PartitionId(topic, record.partition)].records.appendleft(record)
        for part in taken.moved:
            self.queues[part].next_offset = checkpoints[part].next_offset
            self.queues[part].sequence = checkpoints[part].sequence
        for queue in self.queues.values():
            queue.last_satisfied = None

    def is_at(self, checkpoints: Mapping[PartitionId, Checkpoint]) -> bool:
        """Return whether the next records of the lane are those after the checkpoints."""
        return all(self.queues[part].next_offset == checkpoint.next_offset for part, checkpoint in checkpoints.items())

    def waits_for(self) -> set[PartitionId]:
        """Return the parts that the first records of the others wait for; catalogs as partition 0 of their topic."""
        heads = [(part, dict(queue.records[0].headers)) for part, queue in self.queues.items() if queue.records]
        return {other for part, headers in heads for other in self._missing(part, headers.get("ce_after"))}

    def release(self, parts: Iterable[PartitionId]) -> None:
        """Let no record wait for these parts in the next `take`: they have been read to their ends."""
        self._released = frozenset(parts)
