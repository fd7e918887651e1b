"""Endpoints for clicks: reports of integrations, and lists."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from asyncpg import Record
from fastapi import Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from services.tracking.api.service import Service
from services.tracking.api.tokens import SendBody
from services.tracking.domain.intake import AHEAD
from services.tracking.store.clicks import ClickFilter, list_clicks
from services.tracking.use_cases.report_states import ReportState, states_of_reports
from shared.events.envelope import ContactId, Optional
from shared.events.intake import NO_NUL, ClickReport, ClickReported
from shared.events.parts import Send, Verdict
from shared.http.batches import BatchError, EachForItself, RefusedItem, refused
from shared.http.bodies import RequestBody, only_written_out
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.problems import FieldError, Problem
from shared.http.reports import SOURCE, Accepted, record_of, take_in
from shared.http.routing import Router

router = Router(prefix="/v1/clicks", tags=["clicks"])

MOST_CLICKS = 1_000
MOST_LINKS = 100  # in one request


class ClickItem(ClickReport, RequestBody):
    """A reported click."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            pattern=NO_NUL,
            description="Reports with the same id are one click.",
            examples=["click-1"],
        ),
    ] = None
    send: Annotated[SendBody | None, Field(description="The send in which the link was clicked.")] = None  # type: ignore[assignment] # the same, but rejects unknown members


class ClickAnswer(BaseModel):
    """A recorded click with its verdict. After the contact's erasure, user agent, address and headers are null."""

    click_id: UUID
    occurred_at: datetime
    contact_id: int
    message_id: UUID
    link_id: UUID
    link_number: Annotated[int, Field(description="The number of the link in the message.", examples=[1])]
    url: str
    text: Annotated[str, Field(description="The text of the link.", examples=["Read the guide"])]
    send: Optional[Send] = None
    verdict: Verdict
    reasons: list[str]
    method: str | None
    hint: Annotated[Verdict | None, Field(description="The reporter's own verdict.", examples=[None])]
    user_agent: str | None
    ip: str | None
    headers: Annotated[
        dict[str, str] | None,
        Field(
            description="The headers of the request that were used for the verdict.",
            examples=[{"accept-language": "nl"}],
        ),
    ]
    rules: Annotated[int, Field(description="The version of the rules that gave the verdict.", examples=[2])]
    history: bool
    since_send: Annotated[int | None, Field(description="Seconds since the send to this recipient.", examples=[7200])]
    since_delivery: Annotated[
        int | None, Field(description="Seconds since the delivery to this recipient.", examples=[7195])
    ]
    network: Annotated[
        UUID | None,
        Field(description="Equal for clicks from the same /24 or /48; the address cannot be recovered from it."),
    ]
    http_version: Annotated[str | None, Field(description="The version of HTTP of the request.", examples=["2"])]


Time = Annotated[AwareDatetime, BeforeValidator(only_written_out)]
Items = Annotated[list[Annotated[ClickItem, EachForItself]], Field(min_length=1, max_length=MOST_CLICKS)]


@router.post("", status_code=202, summary="Report up to 1,000 clicks")
async def report_clicks(service: Service, caller: Annotated[Caller, requires("write")], body: Items) -> Accepted:
    """Accept reports. A report whose contact or message is still unknown after 10 minutes becomes a dead letter."""
    errors: list[BatchError] = []
    records = []
    latest = datetime.now(UTC) + AHEAD
    for index, item in enumerate(body):
        if isinstance(item, RefusedItem):
            errors.append(refused(index, item))
        elif item.occurred_at > latest:
            detail = "is more than 5 minutes in the future"
            errors.append(BatchError(index=index, code="invalid", pointer="/occurred_at", detail=detail))
        else:
            report = ClickReported(account_id=caller.account_id, **item.model_dump(exclude={"id"}))
            records.append((index, record_of(report, item.id, item.message_id)))
    return await take_in(service.intake, ClickReported.topic, records, errors)


class ReportIds(RequestBody):
    """The ids of reports."""

    ids: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]],
        Field(min_length=1, max_length=MOST_CLICKS, description="The ids of the reports.", examples=[["click-1"]]),
    ]


class ReportOutcome(BaseModel):
    """The state of a report."""

    id: Annotated[str, Field(description="The id of the report.", examples=["click-1"])]
    state: Annotated[
        ReportState,
        Field(
            description="`waiting`: the contact or message is not known yet. `unknown`: not read yet, a dead letter, "
            "or dropped on purpose (test sends, contacts who refuse tracking).",
            examples=["recorded"],
        ),
    ]


class ReportOutcomes(BaseModel):
    """The states of reports, in the order of the request."""

    items: Annotated[list[ReportOutcome], Field(description="One state for each id.")]


@router.post("/lookup", summary="Look up the states of reports")
async def look_up_reports(
    service: Service, caller: Annotated[Caller, requires("write")], body: ReportIds
) -> ReportOutcomes:
    """Return the states of reports that were sent over HTTP."""
    async with service.snapshot() as connection:
        states = await states_of_reports(connection, caller.account_id, SOURCE, body.ids)
    outcomes = [ReportOutcome(id=report_id, state=state) for report_id, state in zip(body.ids, states, strict=True)]
    return ReportOutcomes(items=outcomes)


@router.get("", summary="List clicks")
async def list_all(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    page: Annotated[PageRequest, page_request()],
    contact_id: Annotated[ContactId | None, Query()] = None,
    message_id: Annotated[UUID | None, Query()] = None,
    link_id: Annotated[
        list[UUID] | None,
        Query(max_length=MOST_LINKS, description="With `message_id`: only clicks on this link, or on one of several."),
    ] = None,
    send: Annotated[str | None, Query(max_length=40, description="Only clicks in the send with this id.")] = None,
    verdict: Annotated[Verdict | None, Query()] = None,
    since: Annotated[Time | None, Query(description="Only clicks from this time on.")] = None,
    until: Annotated[Time | None, Query(description="Only clicks before this time.")] = None,
) -> Page[ClickAnswer]:
    """Return the account's clicks, newest first."""
    if link_id is not None and message_id is None:
        raise Problem(422, "link_id needs message_id.", errors=[FieldError("/query/link_id", "needs `message_id`")])
    click_filter = ClickFilter(contact_id, message_id, send, verdict, since, until, link_id)
    async with service.snapshot() as connection:
        rows = await list_clicks(connection, caller.account_id, click_filter, page.key(datetime, UUID), page.fetch)
    return Page[ClickAnswer].of(rows, page, key=lambda row: [row["occurred_at"], row["click_id"]], item=_answer)


def _answer(row: Record) -> ClickAnswer:
    fields: dict[str, Any] = dict(row)
    kind, send_id, sent_at = fields.pop("send_kind"), fields.pop("send_id"), fields.pop("sent_at")
    headers = fields.pop("headers")
    return ClickAnswer(
        **fields,
        send=None if kind is None else Send(kind=kind, id=send_id, sent_at=sent_at),
        headers=None if headers is None else orjson.loads(headers),
    )
