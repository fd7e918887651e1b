"""The numbers of a message."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from asyncpg.pool import PoolConnectionProxy

from shared.events.parts import Send
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


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


class Period(NamedTuple):
    """Clicks in a day or an hour, on a link (`link_number`) or on the whole message (None)."""

    since: datetime
    link_number: int | None
    human: int
    machine: int
    unsure: int
    contacts: int


async def series_of_message(
    connection: PoolConnectionProxy,
    message_no: int,
    unit: Literal["day", "hour"],
    time_zone: str,
    since: datetime,
    until: datetime,
) -> list[Period]:
    """Return the days or hours of a time zone that have clicks, from `since` until before `until`."""
    rows = await QUERIES["series"].fetch(
        connection, message_no=message_no, unit=unit, time_zone=time_zone, since=since, until=until
    )
    return [
        Period(
            row["since"],
            row["link_number"] if row["of_link"] else None,
            row["human"],
            row["machine"],
            row["unsure"],
            row["contacts"],
        )
        for row in rows
    ]


async def statistics_of_message(connection: PoolConnectionProxy, message_no: int) -> MessageStatistics:
    """Exact numbers; in a transaction that sees one state, for it takes three statements."""
    total = Numbers()
    links: defaultdict[int, Numbers] = defaultdict(Numbers)
    by_send: defaultdict[int, Numbers] = defaultdict(Numbers)

    def numbers(of_link: bool, of_send: bool, link_number: int, send_no: int) -> Numbers:
        if of_link:
            return links[link_number]
        return by_send[send_no] if of_send else total

    for row in await QUERIES["count_clicks"].fetch(connection, message_no=message_no):
        at = numbers(row["of_link"], row["of_send"], row["link_number"], row["send_no"])
        at.clicks[row["verdict"]] = row["clicks"]
    for row in await QUERIES["count_contacts"].fetch(connection, message_no=message_no):
        numbers(row["of_link"], row["of_send"], row["link_number"], row["send_no"]).contacts = row["contacts"]
    sends: list[tuple[Send | None, Numbers]] = [(None, by_send[0])] if 0 in by_send else []
    for row in await QUERIES["sends_of_message"].fetch(connection, message_no=message_no):
        if row["send_no"] in by_send:
            send = Send(kind=row["kind"], id=row["id"], sent_at=row["sent_at"])
            sends.append((send, by_send[row["send_no"]]))
    return MessageStatistics(total, dict(links), sends)
