"""Statistics of a message: clicks are counted when they are recorded, contacts and periods on request."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any, Literal, NamedTuple, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

from services.tracking.store import statistics as store
from services.tracking.store.messages import StoredMessage, message_number, read_message
from services.tracking.store.statistics import Period, StatisticsRow
from shared.events.parts import Send
from shared.store.database import Database

# Counting contacts, or clicks by period, reads all clicks of the message: about a second for a million. Results are
# cached for ten times as long, so that repeated requests cannot overload the database.
SECONDS_PER_CLICK = 0.000_01
MOST_KEPT = 500_000  # rows
MOST_PERIODS = 50_000  # numbers of one answer: days or hours, for the message and for each of its links

Row = TypeVar("Row")


class TooManyPeriods(ValueError):
    """A series would have more than MOST_PERIODS numbers."""


@dataclass(slots=True)
class Numbers:
    """Clicks by verdict, and the number of contacts with a human click."""

    clicks: dict[str, int] = field(default_factory=dict)
    contacts: int = 0


@dataclass(frozen=True, slots=True)
class MessageStatistics:
    """The numbers of a message in total, by link number, and per send (None: without a send) in the order of
    sending."""

    total: Numbers
    links: dict[int, Numbers]
    sends: list[tuple[Send | None, Numbers]]


class _CachedRows(NamedTuple):
    read_at: float
    rows: Sequence[Any]


class ClickReads:
    """Caches results that need all clicks of a message, and computes one at a time for each account.

    Rows are at most `SECONDS_PER_CLICK` old for each click of the message.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._cache: OrderedDict[Hashable, _CachedRows] = OrderedDict()
        self._rows = 0
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def rows(
        self, account_id: int, key: Hashable, clicks: int, read: Callable[[], Awaitable[Sequence[Row]]]
    ) -> Sequence[Row]:
        """Return the result of `read`, or the cached one for `key`; `clicks` is the number of clicks of the message."""
        lock = self._locks.setdefault(account_id, asyncio.Lock())
        async with lock:
            cached = self._cache.get(key)
            if cached is not None and self._clock() - cached.read_at < clicks * SECONDS_PER_CLICK:
                return cached.rows
            started_at = self._clock()
            rows = await read()
            self._add(key, _CachedRows(started_at, rows))
            return rows

    def _add(self, key: Hashable, cached: _CachedRows) -> None:
        self._remove(key)
        self._cache[key] = cached
        self._rows += 1 + len(cached.rows)
        while self._rows > MOST_KEPT:
            self._remove(next(iter(self._cache)))

    def _remove(self, key: Hashable) -> None:
        if (cached := self._cache.pop(key, None)) is not None:
            self._rows -= 1 + len(cached.rows)


@dataclass(frozen=True, slots=True)
class _Clicks:
    """A message with its stored numbers."""

    message: StoredMessage
    message_no: int
    counts: Sequence[StatisticsRow]
    sends: dict[int, Send]

    @property
    def total(self) -> int:
        return sum(counted.number for counted in self.counts if not counted.of_link and not counted.of_send)


async def _clicks_of(database: Database, account_id: int, message_id: UUID) -> _Clicks | None:
    async with (
        database.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        message = await read_message(connection, account_id, message_id)
        message_no = await message_number(connection, account_id, message_id)
        if message is None or message_no is None:
            return None
        counts = await store.click_counts(connection, message_no)
        return _Clicks(message, message_no, counts, await store.sends_of_message(connection, message_no))


async def statistics_of_message(
    database: Database, reads: ClickReads, account_id: int, message_id: UUID
) -> tuple[StoredMessage, MessageStatistics] | None:
    """Return a message and its statistics; None if the message does not exist."""
    clicks = await _clicks_of(database, account_id, message_id)
    if clicks is None:
        return None
    total = Numbers()
    links: defaultdict[int, Numbers] = defaultdict(Numbers)
    by_send: defaultdict[int, Numbers] = defaultdict(Numbers)

    def numbers(counted: StatisticsRow) -> Numbers:
        if counted.of_link:
            return links[counted.link_number]
        return by_send[counted.send_no] if counted.of_send else total

    async def read() -> Sequence[StatisticsRow]:
        async with database.pool.acquire() as connection:
            return await store.contact_counts(connection, clicks.message_no)

    for counted in clicks.counts:
        numbers(counted).clicks[counted.verdict] = counted.number
    for counted in await reads.rows(account_id, ("contacts", clicks.message_no), clicks.total, read):
        numbers(counted).contacts = counted.number
    in_order: list[tuple[Send | None, Numbers]] = [(None, by_send[0])] if 0 in by_send else []
    in_order += [(send, by_send[send_no]) for send_no, send in clicks.sends.items() if send_no in by_send]
    return clicks.message, MessageStatistics(total, dict(links), in_order)


@dataclass(frozen=True, slots=True)
class Series:
    """A query for periods of a message: days or hours of a time zone, from `since` to before `until`.

    `send_id` selects the clicks in sends with this id; None selects all.
    """

    unit: Literal["day", "hour"]
    time_zone: str
    since: datetime
    until: datetime
    send_id: str | None = None


async def series_of_message(
    database: Database, reads: ClickReads, account_id: int, message_id: UUID, series: Series, cache_key: Hashable
) -> tuple[StoredMessage, Sequence[Period]] | None:
    """Return a message and its periods with clicks; None if the message does not exist.

    `cache_key` identifies equal requests for the cache. Raises TooManyPeriods.
    """
    clicks = await _clicks_of(database, account_id, message_id)
    if clicks is None:
        return None

    async def read() -> Sequence[Period]:
        async with database.pool.acquire() as connection:
            return await store.periods_of_message(
                connection,
                clicks.message_no,
                series.unit,
                series.time_zone,
                series.since,
                series.until,
                series.send_id,
                MOST_PERIODS + 1,
            )

    periods = await reads.rows(account_id, ("periods", clicks.message_no, cache_key), clicks.total, read)
    if len(periods) > MOST_PERIODS:
        raise TooManyPeriods
    return clicks.message, periods
