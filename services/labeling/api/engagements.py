"""Engagements: reported by integrations, listed per contact."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.labeling.api.routing import Router
from services.labeling.api.service import Service, contact_in_path
from services.labeling.domain.engagements import check_report
from services.labeling.domain.errors import InvalidError
from services.labeling.store.engagements import engagements_of_contact
from shared.events.intake import EngagementReport, EngagementReported
from shared.events.labeling import Scalar
from shared.events.parts import Send
from shared.http.batches import BatchError, EachForItself, RefusedItem, refused
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.reports import Accepted, record_of, take_in

router = Router(tags=["engagements"])
MOST_ENGAGEMENTS = 1_000


class EngagementItem(EngagementReport, RequestBody):
    """What a contact did or what was done to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[
        str | None,
        Field(min_length=1, max_length=200, description="Reports with the same id are one engagement."),
    ] = None


class EngagementAnswer(BaseModel):
    """An engagement, with the data that is never published."""

    event_id: UUID
    occurred_at: datetime
    kind: Annotated[
        str,
        Field(
            description="What happened, such as `form.submitted` or `message.sent`. Open.", examples=["form.submitted"]
        ),
    ]
    ref: str | None
    message_id: UUID | None
    send: Send | None
    attributes: dict[str, Scalar]
    data: Annotated[
        dict[str, Any] | None,
        Field(
            description="Data that is stored but never published, such as the answers of a survey.",
            examples=[{"answer": "Two dogs"}],
        ),
    ]


Items = Annotated[list[Annotated[EngagementItem, EachForItself]], Field(min_length=1, max_length=MOST_ENGAGEMENTS)]


@router.post("/v1/engagements", status_code=202, summary="Report up to 1,000 engagements")
async def report_engagements(
    service: Service, caller: Annotated[Caller, requires("write", pipeline=True)], body: Items
) -> Accepted:
    """Accept reports. A report whose contact is still unknown after 10 minutes becomes a dead letter."""
    errors: list[BatchError] = []
    records = []
    for index, item in enumerate(body):
        if isinstance(item, RefusedItem):
            errors.append(refused(index, item))
            continue
        try:
            check_report(item, datetime.now(UTC))
        except InvalidError as problem:
            errors.append(BatchError(index=index, code="invalid", pointer=problem.pointer, detail=problem.detail))
            continue
        report = EngagementReported(account_id=caller.account_id, **item.model_dump(exclude={"id"}))
        records.append((index, record_of(report, item.id, item.contact_id or item.external_id or item.email)))
    return await take_in(service.producer, EngagementReported.topic, records, errors)


@router.get("/v1/contacts/{contact}/engagements", summary="List a contact's engagements")
async def list_engagements(
    service: Service,
    caller: Annotated[Caller, requires("read")],
    contact: str,
    page: Annotated[PageRequest, page_request()],
) -> Page[EngagementAnswer]:
    """Return the contact's engagements, newest first."""
    (before,) = page.key(UUID) or (None,)
    async with service.database.pool.acquire() as connection:
        contact_id = await contact_in_path(connection, caller.account_id, contact)
        engagements = await engagements_of_contact(connection, caller.account_id, contact_id, before, page.fetch)
    return Page[EngagementAnswer].of(
        engagements,
        page,
        key=lambda engagement: [engagement.event_id],
        item=lambda engagement: EngagementAnswer(**engagement._asdict()),
    )
