"""`/v1/criteria`: queries with a criterion that need not be saved."""

from typing import Annotated, Any

from fastapi import Request

from services.segmentation.api.members import page_of_members
from services.segmentation.api.models import (
    ContactKey,
    ContactsBody,
    CountAnswer,
    CriterionBody,
    DescribeBody,
    Description,
    EngagementKind,
    ExplainBody,
    Member,
    NodeCount,
)
from services.segmentation.api.refusals import refusals
from services.segmentation.api.state import State
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.routing import Router

EXPLANATION = {
    "pointer": "",
    "kind": "clicks",
    "truth": True,
    "asked": {"at_least": 3, "within_days": 30},
    "saw": {"count": 4},
}
router = Router(tags=["criteria"])


@router.post("/v1/criteria/count")
async def count_criterion(
    request: Request, body: CriterionBody, caller: Annotated[Caller, requires("read")]
) -> CountAnswer:
    """Count the contacts for whom a criterion is true, and for each of its nodes."""
    with refusals():
        node_counts = await State.of(request).criteria.count(caller.account_id, body.criterion)
    nodes = [NodeCount(pointer=pointer, count=count) for pointer, count in node_counts.counts.items()]
    return CountAnswer(count=node_counts.root, took_ms=round(node_counts.took * 1000, 3), nodes=nodes)


@router.post(
    "/v1/criteria/explain",
    responses={200: {"content": {"application/json": {"example": EXPLANATION}}}},
)
async def explain_criterion(
    request: Request, body: ExplainBody, caller: Annotated[Caller, requires("read")]
) -> dict[str, Any]:
    """Return the tree with the truth of every node for one contact, and the values that each node read."""
    with refusals():
        return await State.of(request).criteria.explain(caller.account_id, body.criterion, body.contact_id)


@router.post("/v1/criteria/contacts")
async def list_contacts(
    request: Request, body: ContactsBody, caller: Annotated[Caller, requires("read")]
) -> Page[Member]:
    """List the contacts for whom a criterion is true, by contact id, page by page."""
    page = PageRequest(body.limit, request.url.path, body.cursor)
    key = page.key(ContactKey)
    with refusals():
        contacts = await State.of(request).criteria.contacts(
            caller.account_id, body.criterion, key[0] if key else 0, page.fetch
        )
    return page_of_members(contacts, page)


@router.post("/v1/criteria/describe")
async def describe_criterion(
    request: Request, body: DescribeBody, caller: Annotated[Caller, requires("read")]
) -> Description:
    """Describe a criterion in a sentence of plain English or Dutch."""
    with refusals():
        sentence = await State.of(request).criteria.describe(caller.account_id, body.criterion, body.language)
    return Description(sentence=sentence)


@router.get("/v1/engagement-kinds")
async def list_engagement_kinds(
    request: Request, caller: Annotated[Caller, requires("read")], page: Annotated[PageRequest, page_request()]
) -> Page[EngagementKind]:
    """List the reported kinds of engagements: forms, surveys, pages and so on, for use in criteria."""
    (after,) = page.key(int) or (0,)
    with refusals():
        kinds = list(enumerate(await State.of(request).criteria.engagements(caller.account_id), 1))
    return Page[EngagementKind].of(
        kinds[after:][: page.fetch],
        page,
        key=lambda numbered: (numbered[0],),
        item=lambda numbered: EngagementKind(kind=numbered[1][0], ref=numbered[1][1]),
        total=len(kinds),
    )
