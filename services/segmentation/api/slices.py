"""`/internal/slices`: what processes of this service ask each other. A shared secret guards it."""

from hmac import compare_digest
from typing import Annotated

from fastapi import Header, Request

from services.segmentation.api.state import State
from services.segmentation.use_cases.slice_owners import SECRET_HEADER, SliceAnswers, SliceQuestion
from shared.http.problems import Problem
from shared.http.routing import Router

router = Router(include_in_schema=False)


@router.post("/internal/slices")
async def ask_slices(
    request: Request, body: SliceQuestion, secret: Annotated[str, Header(alias=SECRET_HEADER)] = ""
) -> SliceAnswers:
    """Return the answers of the slices that this process holds in the epochs asked."""
    state = State.of(request)
    if not compare_digest(secret.encode(), (await state.owners.secret()).encode()):
        raise Problem(404, "Not found.")
    return SliceAnswers(answers=await state.owners.own(body.account_id, body.question, body.epochs))
