"""Criteria of the variants of a block."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Response
from pydantic import Field

from services.tracking.api.models import MessageAnswer
from services.tracking.api.service import Service, problems, required
from services.tracking.domain.blocks import MOST_VARIANTS
from services.tracking.domain.errors import BlockNotFound, InvalidVariants
from services.tracking.use_cases import blocks
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.preconditions import Preconditions, etag_of, preconditions
from shared.http.problems import FieldError, Problem
from shared.http.routing import Router

router = Router(prefix="/v1/messages/{message_id}/blocks", tags=["messages"])


class VariantBody(RequestBody):
    """A variant, and the criterion of contacts to whom it is shown."""

    variant: Annotated[str, Field(min_length=1, max_length=64, description="The name of the variant in the message.")]
    criterion: Annotated[
        dict[str, Any],
        Field(
            description="A criterion, as in segments.",
            examples=[{"label": {"id": "0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"}}],
        ),
    ]


class BlockBody(RequestBody):
    """All variants of a block, in the order in which they are tried."""

    variants: Annotated[
        list[VariantBody],
        Field(max_length=MOST_VARIANTS, description="The variants in the order in which they are tried."),
    ]


@router.put("/{block}", response_model=MessageAnswer, summary="Set the criteria of a block")
async def set_criteria(
    service: Service,
    caller: Annotated[Caller, requires("write")],
    message_id: UUID,
    block: str,
    body: BlockBody,
    conditions: Annotated[Preconditions, preconditions()],
) -> Response:
    """Replace the criteria of all variants of a block; the first that is true is shown, else the fallback."""
    requested = [blocks.RequestedVariant(one.variant, one.criterion) for one in body.variants]
    try:
        with problems():
            message = await blocks.set_criteria(
                service, caller.account_id, message_id, block, requested, required(conditions)
            )
    except BlockNotFound:
        raise Problem(404, "The newest revision has no such block.") from None
    except InvalidVariants as error:
        errors = [FieldError(pointer, detail) for pointer, detail in error.faults[:100]]
        raise Problem(422, "The variants are not valid; see errors.", errors=errors) from None
    answer = MessageAnswer.of(message, service)
    return Response(answer.model_dump_json(), 200, {"ETag": etag_of(message.version)}, media_type="application/json")
