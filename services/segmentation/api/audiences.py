"""`/v1/audiences` and `/v1/content`: the contacts to whom a message would be sent, and the content that they would
get."""

from typing import Annotated

from fastapi import Query, Request

from services.segmentation.api.audience_models import (
    AudienceBody,
    AudienceOut,
    AudiencePart,
    ContentOfContact,
    ContentOut,
    DecideBody,
    SubsetBody,
)
from services.segmentation.api.members import page_of_members
from services.segmentation.api.models import ContactKey, Member
from services.segmentation.api.refusals import refusals
from services.segmentation.api.state import State
from services.segmentation.domain.audience import Subset
from services.segmentation.use_cases.audiences import WrittenAudience
from shared.criteria.content import FALLBACK
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest
from shared.http.routing import Router

router = Router(tags=["audiences"])


@router.post("/v1/audiences/count")
async def count_audience(
    request: Request, body: AudienceBody, caller: Annotated[Caller, requires("read")]
) -> AudienceOut:
    """Count an audience: its parts, suppressed and held-out contacts, and the contacts of each variant."""
    with refusals(pointer=""):
        counts = await State.of(request).audiences.count(caller.account_id, _written_audience(body), body.message_id)
    return AudienceOut(
        count=counts.count,
        held_out=counts.held_out,
        suppressed=dict(counts.suppressed),
        parts=[
            AudiencePart(pointer=pointer, count=count, only_here=only_here)
            for pointer, (count, only_here) in counts.parts.items()
        ],
        content=None
        if counts.content is None
        else {block: dict(by_variant) for block, by_variant in counts.content.items()},
    )


@router.post("/v1/audiences/contacts", summary="List the contacts behind a number of an audience")
async def list_subset(request: Request, body: SubsetBody, caller: Annotated[Caller, requires("read")]) -> Page[Member]:
    """List the contacts behind a number of an audience, by contact id, page by page.

    With the same audience, `status=held_out` lists the contacts that `held_out` counts, and `block` and `variant` list
    those that `content` counts. Campaigns that have been launched list their recipients instead.
    """
    page = PageRequest(body.limit, request.url.path, body.cursor)
    key = page.key(ContactKey)
    subset = Subset(status=body.status, reason=body.reason, block=body.block, variant=body.variant or FALLBACK)
    with refusals(pointer=""):
        contacts = await State.of(request).audiences.contacts(
            caller.account_id, _written_audience(body), body.message_id, subset, key[0] if key else 0, page.fetch
        )
    return page_of_members(contacts, page)


def _written_audience(body: AudienceBody) -> WrittenAudience:
    return WrittenAudience(body.include, body.exclude, body.hold_out_percent, body.campaign_id)


@router.post("/v1/content/decide")
async def decide_content(
    request: Request,
    body: DecideBody,
    caller: Annotated[Caller, requires("read")],
    *,
    explain: Annotated[bool, Query(description="Include the values that every criterion read.")] = False,
) -> ContentOut:
    """Decide which variant of each block of a message contacts get now."""
    with refusals():
        decided = await State.of(request).audiences.decide(
            caller.account_id, body.message_id, body.contact_ids, explain=explain
        )
    return ContentOut(items=[ContentOfContact(**contact) for contact in decided])
