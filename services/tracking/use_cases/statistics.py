"""The numbers of a message: clicks are counted as they come, contacts when somebody asks."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple
from weakref import WeakValueDictionary

from asyncpg.pool import PoolConnectionProxy

from services.tracking.store.statistics import StatisticsRow, click_counts, contact_counts, sends_of_message
from shared.events.parts import Send

# Counting contacts reads all clicks of the message, about a second for a million. Its result is used again for ten
# times as long, so that nobody keeps the database busy by asking.
SECONDS_PER_CLICK = 0.000_01
MOST_KEPT = 1_000  # messages


@dataclass(slots=True)
class Numbers:
    """Clicks by verdict, and how many contacts have a human one."""

    clicks: dict[str, int] = field(default_factory=dict)
    contacts: int = 0


@dataclass(frozen=True, slots=True)
class MessageStatistics:
    """Of a message in all, by link number, and per send (None: of no send) in the order of sending."""

    total: Numbers
    links: dict[int, Numbers]
    sends: list[tuple[Send | None, Numbers]]


class _Kept(NamedTuple):
    counted_at: float
    counts: Sequence[StatisticsRow]


class ContactCounts:
    """Numbers of contacts, counted when they are asked for, by one request for a message at a time.

    They are exact as of some moment in the last `SECONDS_PER_CLICK` for each human click of the message.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[int, _Kept] = OrderedDict()
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def of_message(
        self, connection: PoolConnectionProxy, message_no: int, human_clicks: int
    ) -> Sequence[StatisticsRow]:
        """Return the numbers of contacts of a message that has so many human clicks."""
        lock = self._locks.setdefault(message_no, asyncio.Lock())
        async with lock:
            kept = self._kept.get(message_no)
            if kept is not None and self._clock() - kept.counted_at < human_clicks * SECONDS_PER_CLICK:
                return kept.counts
            asked_at = self._clock()
            counts = await contact_counts(connection, message_no)
            self._kept[message_no] = _Kept(asked_at, counts)
            self._kept.move_to_end(message_no)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return counts


async def statistics_of_message(
    connection: PoolConnectionProxy, contacts: ContactCounts, message_no: int
) -> MessageStatistics:
    """Return the numbers of a message."""
    total = Numbers()
    links: defaultdict[int, Numbers] = defaultdict(Numbers)
    by_send: defaultdict[int, Numbers] = defaultdict(Numbers)

    def numbers(counted: StatisticsRow) -> Numbers:
        if counted.of_link:
            return links[counted.link_number]
        return by_send[counted.send_no] if counted.of_send else total

    for counted in await click_counts(connection, message_no):
        numbers(counted).clicks[counted.verdict] = counted.number
    for counted in await contacts.of_message(connection, message_no, total.clicks.get("human", 0)):
        numbers(counted).contacts = counted.number
    sends = await sends_of_message(connection, message_no)
    in_order: list[tuple[Send | None, Numbers]] = [(None, by_send[0])] if 0 in by_send else []
    in_order += [(send, by_send[send_no]) for send_no, send in sends.items() if send_no in by_send]
    return MessageStatistics(total, dict(links), in_order)
