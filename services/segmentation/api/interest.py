"""`/v1/interest`: the strength of interest in a label."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from pydantic import BeforeValidator

from services.segmentation.api.models import DayOfInterest, InterestOut, Strength
from services.segmentation.api.refusals import refusals
from services.segmentation.api.state import State
from shared.http.bodies import only_written_out
from shared.http.keys import Caller, requires
from shared.http.routing import Router

Day = Annotated[date, BeforeValidator(only_written_out)]
router = Router(tags=["interest"])


@router.get("/v1/interest/{label_id}")
async def get_interest(
    request: Request,
    label_id: UUID,
    caller: Annotated[Caller, requires("read")],
    since: Annotated[Day | None, Query(description="The first day, in the account's time zone.")] = None,
    until: Annotated[Day | None, Query(description="The last day, inclusive.")] = None,
) -> InterestOut:
    """Return the clicks on links with a label by day, and the number of contacts by number of clicks."""
    with refusals():
        interest = await State.of(request).criteria.interest(caller.account_id, label_id, since, until)
    return InterestOut(
        days=[
            DayOfInterest(day=day, clicks=clicks, contacts=contacts)
            for day, (clicks, contacts) in interest.days.items()
        ],
        strengths=[Strength(clicks=clicks, contacts=contacts) for clicks, contacts in interest.strengths.items()],
    )
