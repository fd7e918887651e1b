"""Streams of a segment's count: all streams of a segment share one evaluation, and an account has a limited number."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID
from weakref import finalize

from services.segmentation.domain.errors import NotFound, TooMany
from services.segmentation.use_cases.count_signal import CountSignal
from services.segmentation.use_cases.criteria import Criteria
from services.segmentation.use_cases.segment_definitions import SegmentDefinitions

MAX_PER_ACCOUNT = 20  # streams in one process
MAX_PER_PROCESS = 500  # streams of all accounts
MIN_INTERVAL = 0.1  # seconds at least between two counts of a segment
CHECK_INTERVAL = 0.5  # seconds between checks of other processes' slices, which do not signal changes


@dataclass(slots=True)
class SharedCount:
    """The newest count of a segment, which its streams share; `deleted` if the segment does not exist any more.

    `changed` is set, and replaced by a new event, at every change.
    """

    count: int | None = None
    deleted: bool = False
    version: int = 0
    followers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self) -> None:
        """Wake the streams that follow the count."""
        self.version += 1
        self.changed.set()
        self.changed = asyncio.Event()


class Reservation:
    """A reservation of one of an account's streams. It ends with `release`, or when it is garbage-collected."""

    def __init__(self, release: Callable[[int], None], account_id: int) -> None:
        self.release = finalize(self, release, account_id)


class CountStreams:
    """Opens streams; the first one of a segment starts its evaluation, and the last one ends it."""

    def __init__(self, criteria: Criteria, signal: CountSignal, definitions: SegmentDefinitions) -> None:
        self._criteria = criteria
        self._signal = signal
        self._definitions = definitions
        self._open: Counter[int] = Counter()
        self._shared: dict[tuple[int, UUID], SharedCount] = {}
        self._tasks: dict[tuple[int, UUID], asyncio.Task[None]] = {}

    def reserve(self, account_id: int) -> "Reservation":
        """Reserve one of the account's streams. Raises TooMany."""
        if self._open[account_id] >= MAX_PER_ACCOUNT:
            raise TooMany(f"An account has at most {MAX_PER_ACCOUNT} streams at a time. Close one first.")
        if self._open.total() >= MAX_PER_PROCESS:
            raise TooMany(f"{MAX_PER_PROCESS} streams are open, which is the limit of a process. Try again later.")
        self._open[account_id] += 1
        return Reservation(self._release, account_id)

    def _release(self, account_id: int) -> None:
        self._open[account_id] -= 1
        if not self._open[account_id]:
            del self._open[account_id]

    @asynccontextmanager
    async def follow(self, account_id: int, segment_id: UUID, reservation: Reservation) -> AsyncIterator[SharedCount]:
        """Follow the count of a segment during the block, and release the reservation afterwards."""
        key = (account_id, segment_id)
        shared_count = self._shared.get(key)
        if shared_count is None:
            shared_count = self._shared[key] = SharedCount()
            self._tasks[key] = asyncio.create_task(
                self._evaluate(account_id, segment_id, shared_count), name="count stream"
            )
        shared_count.followers += 1
        try:
            yield shared_count
        finally:
            reservation.release()
            shared_count.followers -= 1
            if not shared_count.followers:
                self._shared.pop(key, None)
                self._tasks.pop(key).cancel()

    async def _evaluate(self, account_id: int, segment_id: UUID, shared_count: SharedCount) -> None:
        generation, question = -1, None
        while not shared_count.deleted:
            if generation != self._definitions.generation:
                generation = self._definitions.generation
                try:
                    segment = await self._criteria.segments.find(account_id, segment_id)
                except NotFound:
                    shared_count.deleted = True
                    shared_count.publish()
                    return
                question = await self._criteria.question_about(account_id, segment)
            count = None if question is None else await self._criteria.count_members(account_id, question)
            if count is not None and count != shared_count.count:
                shared_count.count = count
                shared_count.publish()
            await asyncio.sleep(MIN_INTERVAL)
            await self._signal.wait(CHECK_INTERVAL)
