"""Endpoints for the statistics of a message."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from services.tracking.api.service import Service, no_message
from services.tracking.use_cases.statistics import (
    MOST_PERIODS,
    Numbers,
    Series,
    TooManyPeriods,
    series_of_message,
    statistics_of_message,
)
from shared.events.labeling import AccountChanged
from shared.events.parts import Send
from shared.http.bodies import only_written_out
from shared.http.keys import Caller, requires
from shared.http.problems import FieldError, Problem
from shared.http.routing import Router

Time = Annotated[AwareDatetime, BeforeValidator(only_written_out)]
router = Router(tags=["messages"])


class Clicks(BaseModel):
    """Clicks by verdict."""

    human: Annotated[int, Field(description="Clicks by humans.", examples=[214])] = 0
    machine: Annotated[int, Field(description="Clicks by machines, such as mail scanners.", examples=[96])] = 0
    unsure: Annotated[int, Field(description="Clicks that may be either.", examples=[3])] = 0


class LinkNumbers(BaseModel):
    """Clicks on a link; `contacts` counts those with a human click. `present`: the newest revision has the link."""

    link_id: UUID
    number: Annotated[int, Field(description="The number of the link in the message.", examples=[1])]
    url: str
    text: Annotated[str, Field(description="The text of the link.", examples=["Read the guide"])]
    present: Annotated[bool, Field(description="Whether the newest revision has the link.", examples=[True])]
    clicks: Annotated[Clicks, Field(description="Clicks by verdict.")]
    contacts: Annotated[int, Field(description="Contacts with a human click.", examples=[187])]


class SendNumbers(BaseModel):
    """Clicks in a send; `send` is null for clicks without a send."""

    send: Annotated[Send | None, Field(description="The send; null for clicks without a send.")]
    clicks: Annotated[Clicks, Field(description="Clicks by verdict.")]
    contacts: Annotated[int, Field(description="Contacts with a human click.", examples=[187])]


class MessageNumbers(BaseModel):
    """Clicks on a message, per link and per send. A contact is counted once in each number of `contacts`."""

    message_id: UUID
    clicks: Annotated[Clicks, Field(description="Clicks by verdict.")]
    contacts: Annotated[int, Field(description="Contacts with a human click.", examples=[187])]
    links: Annotated[list[LinkNumbers], Field(description="The same numbers per link.")]
    sends: Annotated[list[SendNumbers], Field(description="The same numbers per send.")]


@router.get("/v1/messages/{message_id}/stats", summary="Show a message's statistics")
async def show_statistics(
    service: Service, caller: Annotated[Caller, requires("read")], message_id: UUID
) -> MessageNumbers:
    """Return clicks by verdict, and distinct contacts with human clicks: in total, per link and per send.

    Clicks are current. Counts of contacts are cached for one second per 100,000 clicks of the message.
    """
    result = await statistics_of_message(service.database, service.click_reads, caller.account_id, message_id)
    if result is None:
        raise no_message()
    message, statistics = result
    return MessageNumbers(
        message_id=message_id,
        **_numbers(statistics.total),
        links=[
            LinkNumbers(
                link_id=link.id,
                number=link.number,
                url=link.url,
                text=link.text,
                present=link.present,
                **_numbers(statistics.links.get(link.number)),
            )
            for link in message.links
            if link.present or link.number in statistics.links
        ],
        sends=[SendNumbers(send=send, **_numbers(numbers)) for send, numbers in statistics.sends],
    )


class PeriodNumbers(BaseModel):
    """Clicks of a day or hour. `contacts` counts those with a human click."""

    since: Annotated[datetime, Field(description="The beginning of the day or hour, in the account's time zone.")]
    clicks: Annotated[Clicks, Field(description="Clicks by verdict.")]
    contacts: Annotated[int, Field(description="Contacts with a human click.", examples=[187])]


class LinkSeries(BaseModel):
    """The days or hours in which a link was clicked."""

    link_id: UUID
    number: Annotated[int, Field(description="The number of the link in the message.", examples=[1])]
    periods: Annotated[list[PeriodNumbers], Field(description="The days or hours in which it was clicked.")]


class SeriesAnswer(BaseModel):
    """Clicks on a message over time; days and hours without clicks are omitted."""

    by: Annotated[Literal["day", "hour"], Field(description="Whether a period is a day or an hour.", examples=["day"])]
    time_zone: str
    periods: Annotated[list[PeriodNumbers], Field(description="The days or hours with clicks.")]
    links: Annotated[list[LinkSeries], Field(description="The same numbers per link.")]


@router.get("/v1/messages/{message_id}/series", summary="Show a message's clicks over time")
async def show_series(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    message_id: UUID,
    by: Annotated[
        Literal["day", "hour"], Query(description="Count by day or by hour of the account's time zone.")
    ] = "day",
    since: Annotated[
        Time | None, Query(description="From this time on; at most 366 days by day, 31 days by hour.")
    ] = None,
    until: Annotated[Time | None, Query(description="Before this time; default: now.")] = None,
    send: Annotated[str | None, Query(max_length=40, description="Only clicks in the send with this id.")] = None,
) -> SeriesAnswer:
    """Return clicks by verdict and contacts for each day or hour, in total and per link.

    Answers are cached for one second per 100,000 clicks of the message. An answer of more than 50,000 numbers is
    refused.
    """
    longest = timedelta(days=366 if by == "day" else 31)
    requested_since, requested_until = since, until
    until = until or datetime.now(UTC)
    since = since or until - longest
    if until - since > longest:
        detail = f"The period from since to until must be at most {longest.days} days"
        raise Problem(422, f"{detail}.", errors=[FieldError("/query/since", detail)])
    account = service.catalog.find(AccountChanged, caller.account_id)
    time_zone = "UTC" if account is None else account.time_zone
    cache_key = (by, time_zone, requested_since, requested_until, send)
    series = Series(by, time_zone, since, until, send)
    try:
        result = await series_of_message(
            service.database, service.click_reads, caller.account_id, message_id, series, cache_key
        )
    except TooManyPeriods:
        detail = f"The answer would have more than {MOST_PERIODS:,} numbers; request a shorter period"
        raise Problem(422, f"{detail}.", errors=[FieldError("/query/since", detail)]) from None
    if result is None:
        raise no_message()
    message, periods = result
    by_link: defaultdict[int | None, list[PeriodNumbers]] = defaultdict(list)
    zone = ZoneInfo(time_zone)
    for period in periods:
        clicks = Clicks(human=period.human, machine=period.machine, unsure=period.unsure)
        numbers = PeriodNumbers(since=period.since.astimezone(zone), clicks=clicks, contacts=period.contacts)
        by_link[period.link_number].append(numbers)
    links = [
        LinkSeries(link_id=link.id, number=link.number, periods=by_link[link.number])
        for link in message.links
        if link.number in by_link
    ]
    return SeriesAnswer(by=by, time_zone=time_zone, periods=by_link[None], links=links)


def _numbers(numbers: Numbers | None) -> dict[str, object]:
    if numbers is None:
        return {"clicks": Clicks(), "contacts": 0}
    return {"clicks": Clicks(**numbers.clicks), "contacts": numbers.contacts}
