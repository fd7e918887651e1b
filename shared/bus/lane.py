"""The records of one partition number that wait to be processed, in the order in which they may be."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.bus.checkpoints import Checkpoint
from shared.bus.record import Record
from shared.events.codec import after_of


def sequence_of(record: Record) -> int:
    """`ce_sequence`; 0 for a record that has none that can be read (decoding it says so later)."""
    for name, value in record.headers:
        if name == "ce_sequence":
            try:
                return int(value or b"")
            except (TypeError, ValueError):
                return 0
    return 0


def _after(record: Record) -> Mapping[str, int]:
    for name, value in record.headers:
        if name == "ce_after":
            try:
                return after_of(value or b"")
            except (AttributeError, TypeError, ValueError):
                return {}
    return {}


@dataclass(slots=True)
class Queue:
    """What has been fetched of one topic, and how far it has been taken."""

    next_fetch: int  # the offset that comes next from Kafka
    next_offset: int  # the offset after the last record taken
    sequence: int  # the highest sequence taken
    records: deque[Record] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Taken:
    """Records to process now, per topic in order, merged so that causes come first; and where that leads."""

    records: Sequence[tuple[str, Record]]
    next_offsets: Mapping[str, int]
    sequences: Mapping[str, int]


class Lane:
    """Merges the topics of one partition number.

    A record that names sequences of other topics in `ce_after` waits until those have been taken (design, "Causal
    order"), or until `release` says that the other topics have been read to the end that they had when waiting began.
    Records whose sequence was seen before are passed over: a relay may send twice.
    """

    def __init__(self, topics: Mapping[str, Queue], aligned: bool) -> None:
        self.queues = dict(topics)
        self._aligned = aligned
        self._released: frozenset[str] = frozenset()

    def push(self, topic: str, records: Iterable[Record]) -> None:
        """Adds fetched records; those that came before are dropped (a fetch may overlap a seek)."""
        queue = self.queues[topic]
        for record in records:
            if record.offset >= queue.next_fetch:
                queue.records.append(record)
                queue.next_fetch = record.offset + 1

    def __len__(self) -> int:
        return sum(len(queue.records) for queue in self.queues.values())

    def size(self, topic: str) -> int:
        """How many records of a topic wait."""
        return len(self.queues[topic].records)

    def take(self, most: int) -> Taken:
        """The next records, at most `most`; none if all that is there waits for another topic."""
        taken: list[tuple[str, Record]] = []
        moved = True
        touched: set[str] = set()
        while moved and len(taken) < most:
            moved = False
            for topic, queue in self.queues.items():
                count = self._take_from(topic, queue, taken, most)
                if count:
                    moved = True
                    touched.add(topic)
        self._released = frozenset()
        return Taken(
            taken,
            {topic: self.queues[topic].next_offset for topic in touched},
            {topic: self.queues[topic].sequence for topic in touched},
        )

    def _take_from(self, topic: str, queue: Queue, taken: list[tuple[str, Record]], most: int) -> int:
        count = 0
        records = queue.records
        while records and len(taken) < most:
            record = records[0]
            sequence = sequence_of(record) if self._aligned else 0
            # Without a sequence it is no duplicate that could be told: decoding it says what is wrong.
            if sequence == 0 or sequence > queue.sequence:
                if self._aligned and len(self.queues) > 1 and self._missing(topic, record) - self._released:
                    break
                queue.sequence = max(queue.sequence, sequence)
                taken.append((topic, record))
            records.popleft()
            queue.next_offset = record.offset + 1
            count += 1
        return count

    def _missing(self, topic: str, record: Record) -> set[str]:
        return {
            other
            for other, sequence in _after(record).items()
            if other != topic and other in self.queues and self.queues[other].sequence < sequence
        }

    def put_back(self, taken: Taken, checkpoints: Mapping[str, Checkpoint]) -> None:
        """Undoes a `take` whose transaction failed: what was taken comes first again."""
        for topic, record in reversed(taken.records):
            self.queues[topic].records.appendleft(record)
        for topic in taken.next_offsets:
            self.queues[topic].next_offset = checkpoints[topic].next_offset
            self.queues[topic].sequence = checkpoints[topic].sequence

    def stands_at(self, checkpoints: Mapping[str, Checkpoint]) -> bool:
        """Whether what comes next is what the checkpoints say."""
        return all(self.queues[topic].next_offset == at.next_offset for topic, at in checkpoints.items())

    def waits_for(self) -> set[str]:
        """The topics that the first records of the others wait for."""
        heads = [(topic, queue.records[0]) for topic, queue in self.queues.items() if queue.records]
        return {other for topic, record in heads for other in self._missing(topic, record)}

    def release(self, topics: Iterable[str]) -> None:
        """In the next `take`, nothing waits for these topics: they have been read to their end, and it isn't there."""
        self._released = frozenset(topics)
