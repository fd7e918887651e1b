"""`/internal/slices`: questions between processes of this service, protected by a shared secret."""

from hmac import compare_digest

from fastapi import Request

from services.segmentation.api.state import State
from services.segmentation.use_cases.slice_owners import SECRET_HEADER, SliceAnswers, SliceQuestion
from shared.http.problems import Problem
from shared.http.routing import Router

router = Router(include_in_schema=False)


@router.post("/internal/slices")
async def ask_slices(request: Request) -> SliceAnswers:
    """Return the answers of the requested slices that this process owns in the given epochs."""
    state = State.of(request)
    # The body is read only if the secret is right.
    secret = request.headers.get(SECRET_HEADER, "")
    if not compare_digest(secret.encode(), (await state.owners.secret()).encode()):
        raise Problem(404, "Not found.")
    question = SliceQuestion.model_validate_json(await request.body())
    return SliceAnswers(answers=await state.owners.answer_own(question.account_id, question.question, question.epochs))
