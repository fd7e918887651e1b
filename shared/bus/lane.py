"""The records that wait to be processed, in the order in which they may be."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.bus.checkpoints import Checkpoint
from shared.bus.record import Part, Record
from shared.events.codec import Headers, after_of

Fetched = tuple[str, Record, Headers]  # the topic, and the record with its headers as a dict: that is made once


def sequence_of(headers: Headers) -> int:
    """`ce_sequence`; 0 if there is none that can be read (decoding the record says so later)."""
    try:
        return int(headers["ce_sequence"] or b"")
    except (KeyError, TypeError, ValueError):
        return 0


def _after(text: bytes | None) -> Mapping[str, int]:
    try:
        return after_of(text)
    except ValueError:
        return {}


@dataclass(slots=True)
class Queue:
    """What has been fetched of one part, and how far it has been taken."""

    next_fetch: int  # the offset that comes next from Kafka
    next_offset: int  # the offset after the last record taken
    sequence: int  # the highest sequence taken
    met: bytes | None = None  # the last `ce_after` that asked for nothing more: a unit of work's records share it
    records: deque[Record] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Taken:
    """Records to process now, per part in order, merged so that causes come first; and where that leads."""

    records: Sequence[Fetched]
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
        taken: list[Fetched] = []
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

    def _take_from(self, part: Part, queue: Queue, taken: list[Fetched], most: int) -> int:
        count = 0
        records = queue.records
        while records and len(taken) < most:
            record = records[0]
            headers = dict(record.headers)
            sequence = sequence_of(headers) if self._aligned else 0
            # Without a sequence it is no duplicate that could be told: decoding it says what is wrong.
            if sequence == 0 or sequence > queue.sequence:
                if self._aligned and self._must_wait(part, queue, headers.get("ce_after")):
                    break
                queue.sequence = max(queue.sequence, sequence)
                taken.append((part.topic, record, headers))
            records.popleft()
            queue.next_offset = record.offset + 1
            count += 1
        return count

    def _must_wait(self, part: Part, queue: Queue, after: bytes | None) -> bool:
        if after == queue.met:
            return False
        missing = self._missing(part, after)
        if not missing:
            queue.met = after
        return bool(missing - self._released)

    def _missing(self, part: Part, after: bytes | None) -> set[Part]:
        found = set()
        for topic, sequence in _after(after).items():
            other = Part(topic, part.partition)
            if topic != part.topic and other in self.queues and self.queues[other].sequence < sequence:
                found.add(other)
        return found

    def put_back(self, taken: Taken, checkpoints: Mapping[Part, Checkpoint]) -> None:
        """Undoes a `take` whose transaction failed: what was taken comes first again."""
        for topic, record, _ in reversed(taken.records):
            self.queues[Part(topic, record.partition)].records.appendleft(record)
        for part in taken.moved:
            self.queues[part].next_offset = checkpoints[part].next_offset
            self.queues[part].sequence = checkpoints[part].sequence
        for queue in self.queues.values():
            queue.met = None

    def stands_at(self, checkpoints: Mapping[Part, Checkpoint]) -> bool:
        """Whether what comes next is what the checkpoints say."""
        return all(self.queues[part].next_offset == at.next_offset for part, at in checkpoints.items())

    def waits_for(self) -> set[Part]:
        """The parts that the first records of the others wait for."""
        heads = [(part, dict(queue.records[0].headers)) for part, queue in self.queues.items() if queue.records]
        return {other for part, headers in heads for other in self._missing(part, headers.get("ce_after"))}

    def release(self, parts: Iterable[Part]) -> None:
        """In the next `take`, nothing waits for these: they have been read to their end, and it isn't there."""
        self._released = frozenset(parts)
