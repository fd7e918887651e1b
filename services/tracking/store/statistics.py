"""The statistics of a message."""

from datetime import datetime
from typing import Literal, NamedTuple

from asyncpg.pool import PoolConnectionProxy

from shared.events.parts import Send
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


class Period(NamedTuple):
    """Clicks in a day or an hour, on a link (`link_number`) or on all links of the message (None)."""

    since: datetime
    link_number: int | None
    human: int
    machine: int
    unsure: int
    contacts: int


async def periods_of_message(
    connection: PoolConnectionProxy,
    message_no: int,
    unit: Literal["day", "hour"],
    time_zone: str,
    since: datetime,
    until: datetime,
    send_id: str | None,
    most: int,
) -> list[Period]:
    """Return at most `most` days or hours of a time zone that have clicks, from `since` to before `until`.

    Reads all clicks of the message in that time; counts those in the sends with the id `send_id`, or all if it is None.
    """
    rows = await QUERIES["periods"].fetch(
        connection,
        message_no=message_no,
        unit=unit,
        time_zone=time_zone,
        since=since,
        until=until,
        send_id=send_id,
        most=most,
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


class StatisticsRow(NamedTuple):
    """A number of clicks or contacts: of a link, of a send, or of the message in total (neither is set)."""

    of_link: bool
    of_send: bool
    link_number: int
    send_no: int
    number: int
    verdict: str = ""


async def click_counts(connection: PoolConnectionProxy, message_no: int) -> list[StatisticsRow]:
    """Return the number of clicks by verdict: in all, by link, and by send."""
    rows = await QUERIES["count_clicks"].fetch(connection, message_no=message_no)
    return [
        StatisticsRow(row["of_link"], row["of_send"], row["link_number"], row["send_no"], row["clicks"], row["verdict"])
        for row in rows
    ]


async def contact_counts(connection: PoolConnectionProxy, message_no: int) -> list[StatisticsRow]:
    """Return how many contacts have a human click: in all, by link, and by send. Reads all clicks of the message."""
    rows = await QUERIES["count_contacts"].fetch(connection, message_no=message_no)
    return [
        StatisticsRow(row["of_link"], row["of_send"], row["link_number"], row["send_no"], row["contacts"])
        for row in rows
    ]


async def sends_of_message(connection: PoolConnectionProxy, message_no: int) -> dict[int, Send]:
    """Return the sends of a message by number, in the order of sending."""
    rows = await QUERIES["sends_of_message"].fetch(connection, message_no=message_no)
    return {row["send_no"]: Send(kind=row["kind"], id=row["id"], sent_at=row["sent_at"]) for row in rows}
