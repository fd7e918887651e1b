"""The records that wait to be processed, in the order in which they may be."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.bus.checkpoints import Checkpoint
from shared.bus.record import Part, Record
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
    """What has been fetched of one part, and how far it has been taken."""

    next_fetch: int  # the offset that comes next from Kafka
    next_offset: int  # the offset after the last record taken
    sequence: int  # the highest sequence taken
    records: deque[Record] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Taken:
    """Records to process now, per part in order, merged so that causes come first; and where that leads."""

    records: Sequence[tuple[str, Record]]
    moved: Mapping[Part, Checkpoint]

    @property
    def sequences(self) -> dict[str, int]:
        """The highest sequence of each topic, of one partition number."""
        return {part.topic: checkpoint.sequence for part, checkpoint in self.moved.items()}


class Lane:
    """Merges parts: the topics of one partition number, or partitions of an intake topic (not `aligned`).

    A record that names sequences of other topics in `ce_after` waits until those have been taken (design, "Causal
    order"), or until `release` says that the other topics have been read to the end that they had when waiting began.
    Records whose sequence was seen before are passed over: a relay may send twice.
    """

    def __init__(self, queues: Mapping[Part, Queue], aligned: bool) -> None:
        self.queues = dict(queues)
        self._aligned = aligned
        self._released: frozenset[Part] = frozenset()

    def push(self, part: Part, records: Iterable[Record]) -> None:
        """Adds fetched records; those that came before are dropped (a fetch may overlap a seek)."""
        queue = self.queues[part]
        for record in records:
            if record.offset >= queue.next_fetch:
                queue.records.append(record)
                queue.next_fetch = record.offset + 1

    def __len__(self) -> int:
        return sum(len(queue.records) for queue in self.queues.values())

    def size(self, part: Part) -> int:
        """How many records of a part wait."""
        return len(self.queues[part].records)

    def take(self, most: int) -> Taken:
        """The next records, at most `most`; none if all that is there waits for another part."""
        taken: list[tuple[str, Record]] = []
        moved = True
        touched: set[Part] = set()
        while moved and len(taken) < most:
            moved = False
            for part, queue in self.queues.items():
                if self._take_from(part, queue, taken, most):
                    moved = True
                    touched.add(part)
        self._released = frozenset()
        if not self._aligned:
            first = next(iter(self.queues))
            self.queues[first] = self.queues.pop(first)  # the last one next time: no part keeps the others waiting
        return Taken(
            taken, {part: Checkpoint(self.queues[part].next_offset, self.queues[part].sequence) for part in touched}
        )

    def _take_from(self, part: Part, queue: Queue, taken: list[tuple[str, Record]], most: int) -> int:
        count = 0
        records = queue.records
        while records and len(taken) < most:
            record = records[0]
            sequence = sequence_of(record) if self._aligned else 0
            # Without a sequence it is no duplicate that could be told: decoding it says what is wrong.
            if sequence == 0 or sequence > queue.sequence:
                if self._aligned and len(self.queues) > 1 and self._missing(part, record) - self._released:
                    break
                queue.sequence = max(queue.sequence, sequence)
                taken.append((part.topic, record))
            records.popleft()
            queue.next_offset = record.offset + 1
            count += 1
        return count

    def _missing(self, part: Part, record: Record) -> set[Part]:
        found = set()
        for topic, sequence in _after(record).items():
            other = Part(topic, part.partition)
            if topic != part.topic and other in self.queues and self.queues[other].sequence < sequence:
                found.add(other)
        return found

    def put_back(self, taken: Taken, checkpoints: Mapping[Part, Checkpoint]) -> None:
        """Undoes a `take` whose transaction failed: what was taken comes first again."""
        for topic, record in reversed(taken.records):
            self.queues[Part(topic, record.partition)].records.appendleft(record)
        for part in taken.moved:
            self.queues[part].next_offset = checkpoints[part].next_offset
            self.queues[part].sequence = checkpoints[part].sequence

    def stands_at(self, checkpoints: Mapping[Part, Checkpoint]) -> bool:
        """Whether what comes next is what the checkpoints say."""
        return all(self.queues[part].next_offset == at.next_offset for part, at in checkpoints.items())

    def waits_for(self) -> set[Part]:
        """The parts that the first records of the others wait for."""
        heads = [(part, queue.records[0]) for part, queue in self.queues.items() if queue.records]
        return {other for part, record in heads for other in self._missing(part, record)}

    def release(self, parts: Iterable[Part]) -> None:
        """In the next `take`, nothing waits for these: they have been read to their end, and it isn't there."""
        self._released = frozenset(parts)
