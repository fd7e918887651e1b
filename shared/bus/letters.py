"""Dead letters for operators: reads them, and sends them back to their topics.

Kafka stores which letters were sent back, as the committed offset of a group without members: the offset of the first
letter that was not sent back, and in its metadata the later ranges that were. So the dead-letter topics hold dead
letters only, and every operator sees the same list.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from shared.bus.connection import client_options
from shared.bus.dead_letters import LEFT_OUT
from shared.bus.follower import ANSWER_WITHIN, FetchedRecord, Follower
from shared.bus.producer import Headers, IntakeProducer
from shared.events.topics import TOPICS
from shared.retrying import Pauses
from shared.settings import CommonSettings

DEAD_TOPICS = tuple(topic.name for topic in TOPICS.values() if topic.kind == "dead")
GROUP = "penchant.dead-letters"
MARK_BYTES = 4000  # a broker accepts 4,096 bytes of metadata with an offset
AT_ONCE = 500  # letters that are sent before they are marked
SEND_WITHIN = 30.0  # seconds

Range = tuple[int, int]  # offsets, both inclusive


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, with the key, value and headers of the record, and the contents of the `dead_*` headers."""

    topic: str
    offset: int
    died_at: datetime
    reason: str
    service: str
    origin_topic: str
    origin_partition: str
    origin_offset: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    left_out: str | None = None  # what is omitted because the record was too large for a letter

    @property
    def id(self) -> str:
        """The topic, and the offset in its one partition: `intake.clicks.dead:17`."""
        return f"{self.topic}:{self.offset}"


class Letters:
    """The dead letters of all topics. Entering raises ConnectionError if Kafka does not answer."""

    def __init__(self, settings: CommonSettings) -> None:
        self._settings = settings
        self._group = settings.topic_prefix + GROUP
        self._follower = Follower(settings, from_beginning=DEAD_TOPICS)
        self._producer = IntakeProducer(settings)

    async def __aenter__(self) -> Self:
        await self._follower.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._producer.stop()
        await self._follower.__aexit__(kind, error, traceback)

    async def read(self, *, replayed: bool = False) -> list[Letter]:
        """Return the remaining letters, oldest first; with `replayed`, also those that were sent back."""
        marks = await self._load_marks()
        letters = [_letter(topic, record) for topic, record in await self._follower.read_to_end()]
        letters.sort(key=lambda letter: (letter.died_at, letter.topic, letter.offset))
        return [letter for letter in letters if replayed or not _within(letter.offset, marks[letter.topic])]

    async def replay(self, letters: Sequence[Letter]) -> int:
        """Send the original records back to their topics, and mark the letters; return how many.

        A letter whose record was too large to be included cannot be sent back, and stays. Raises KafkaError or
        TimeoutError, possibly after some were sent.
        """
        letters = [letter for letter in letters if letter.left_out is None]
        marks = await self._load_marks()
        for first in range(0, len(letters), AT_ONCE):
            batch = letters[first : first + AT_ONCE]
            for origin in sorted({letter.origin_topic for letter in batch}):
                records = [
                    (letter.key, letter.value, letter.headers) for letter in batch if letter.origin_topic == origin
                ]
                await self._producer.send(origin, records, within=SEND_WITHIN)
            # Send before marking: sending a record twice is harmless, losing it is not.
            for topic in {letter.topic for letter in batch}:
                offsets = (letter.offset for letter in batch if letter.topic == topic)
                marks[topic] = merged([*marks[topic], *((offset, offset) for offset in offsets)])
            await self._store_marks(marks)
        return len(letters)

    async def _load_marks(self) -> dict[str, list[Range]]:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                offsets = await self._committed()
        except (KafkaError, TimeoutError) as error:
            raise ConnectionError(f"Kafka at {self._settings.kafka} does not answer") from error
        names = {self._settings.topic_prefix + topic: topic for topic in DEAD_TOPICS}
        marks: dict[str, list[Range]] = {topic: [] for topic in DEAD_TOPICS}
        for partition, committed in offsets.items():
            if partition.topic in names and committed.offset >= 0:
                before = [(0, committed.offset - 1)] if committed.offset else []
                marks[names[partition.topic]] = merged([*before, *_decode_ranges(committed.metadata)])
        return marks

    async def _committed(self) -> Mapping[TopicPartition, OffsetAndMetadata]:
        admin = AIOKafkaAdminClient(**client_options(self._settings))
        await admin.start()
        try:
            pauses = Pauses()
            while True:
                try:
                    offsets: Mapping[TopicPartition, OffsetAndMetadata]
                    offsets = await admin.list_consumer_group_offsets(self._group)
                except GroupCoordinatorNotAvailableError:
                    # The first request about any group makes a new Kafka create its topic of offsets.
                    await asyncio.sleep(pauses.after_failure())
                else:
                    return offsets
        finally:
            await admin.close()

    async def _store_marks(self, marks: dict[str, list[Range]]) -> None:
        offsets = {}
        for topic, ranges in marks.items():
            if ranges:
                offset = ranges[0][1] + 1 if ranges[0][0] == 0 else 0
                partition = TopicPartition(self._settings.topic_prefix + topic, 0)
                offsets[partition] = OffsetAndMetadata(
                    offset, _encode_ranges(later for later in ranges if later[0] >= offset)
                )
        consumer = AIOKafkaConsumer(group_id=self._group, enable_auto_commit=False, **client_options(self._settings))
        try:
            await consumer.start()
            consumer.assign(list(offsets))
            await asyncio.wait_for(consumer.commit(offsets), SEND_WITHIN)
        finally:
            await consumer.stop()


def merged(ranges: Iterable[Range]) -> list[Range]:
    """Return the same offsets in as few ranges as possible, ascending."""
    joined: list[Range] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _within(offset: int, ranges: Iterable[Range]) -> bool:
    return any(first <= offset <= last for first, last in ranges)


def _encode_ranges(ranges: Iterable[Range]) -> str:
    # If there are too many gaps, the oldest marks are dropped first: the topic deletes those letters first too, and
    # sending one back again does no harm.
    kept: list[str] = []
    left = MARK_BYTES
    for first, last in sorted(ranges, reverse=True):
        text = str(first) if first == last else f"{first}-{last}"
        left -= len(text) + 1
        if left < 0:
            break
        kept.append(text)
    return ",".join(reversed(kept))


def _decode_ranges(text: str) -> list[Range]:
    items = (item.partition("-") for item in text.split(",") if item)
    return [(int(first), int(last or first)) for first, _, last in items]


def _letter(topic: str, record: FetchedRecord) -> Letter:
    dead_headers = {name: value for name, value in record.headers if name.startswith("dead_")}
    return Letter(
        topic=topic,
        offset=record.offset,
        died_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        reason=_text_of(dead_headers, "dead_reason"),
        service=_text_of(dead_headers, "dead_service"),
        origin_topic=_text_of(dead_headers, "dead_topic") or topic.removesuffix(".dead"),
        origin_partition=_text_of(dead_headers, "dead_partition"),
        origin_offset=_text_of(dead_headers, "dead_offset"),
        key=record.key,
        value=record.value,
        headers=[(name, value) for name, value in record.headers if name not in dead_headers],
        left_out=_text_of(dead_headers, LEFT_OUT) or None,
    )


def _text_of(headers: dict[str, bytes | None], name: str) -> str:
    return (headers.get(name) or b"").decode("utf-8", "replace")
