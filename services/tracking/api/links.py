"""Endpoints that correct and label the links of a message. Changes apply to later clicks only."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Body, Response
from pydantic import Field

from services.tracking.api.models import LinkAnswer, MessageAnswer
from services.tracking.api.service import Service, no_message, problems, required
from services.tracking.domain.errors import LabelsNotUsable, LinkNotTrackable, LinksNotFound, TargetNotUsable
from services.tracking.domain.revisions import Tracking as Tracked
from services.tracking.domain.targets import LONGEST_URL
from services.tracking.store.messages import StoredMessage, message_number
from services.tracking.use_cases import link_labels, links
from services.tracking.use_cases.link_labels import LabelsByLink
from services.tracking.use_cases.service import Tracking
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.preconditions import Preconditions, etag_of, preconditions
from shared.http.problems import FieldError, Problem
from shared.http.routing import Router
from shared.pointers import pointer_of

router = Router(prefix="/v1/messages/{message_id}", tags=["messages"])

LabelIds = Annotated[list[UUID], Field(max_length=50, description="All labels of the link, in this order.")]


class LinkLabelsBody(RequestBody):
    """The new labels of a link."""

    label_ids: LabelIds


@router.put("/links/{link_id}/labels", response_model=LinkAnswer, summary="Label a link")
async def label_link(
    service: Service,
    caller: Annotated[Caller, requires("write")],
    message_id: UUID,
    link_id: UUID,
    body: LinkLabelsBody,
    conditions: Annotated[Preconditions, preconditions()],
) -> Response:
    """Replace the labels of one link; later clicks carry the new ones."""
    names = await _label_names(service, caller, message_id, {"label_ids": body.label_ids})
    try:
        message = await _label(service, caller, message_id, {link_id: body.label_ids}, names, conditions)
    except LinksNotFound:
        raise Problem(404, "The message has no such link.") from None
    answer = next(LinkAnswer.of(link, service.catalog) for link in message.links if link.id == link_id)
    return Response(answer.model_dump_json(), 200, {"ETag": etag_of(message.version)}, media_type="application/json")


class LinkBody(RequestBody):
    """Changes of a link. Absent members stay unchanged."""

    url: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=LONGEST_URL,
            description="The new target; null restores the URL in the HTML.",
            examples=["https://shop.example/puppy-food"],
        ),
    ] = None
    tracking: Annotated[
        Tracked | None, Field(description="`always` and `never` override the guess; `auto`, or null, does not.")
    ] = None


@router.patch("/links/{link_id}", response_model=LinkAnswer, summary="Correct a link")
async def change_link(
    service: Service,
    caller: Annotated[Caller, requires("write")],
    message_id: UUID,
    link_id: UUID,
    body: LinkBody,
    conditions: Annotated[Preconditions, preconditions()],
) -> Response:
    """Correct the target of a link, also in mails that were sent, or set whether clicks on it are tracked.

    Whether a link is tracked is decided when a mail is rendered: mails that were sent keep their links.
    """
    tracking = (body.tracking or "auto") if "tracking" in body.model_fields_set else None
    change = links.LinkChange("url" in body.model_fields_set, body.url, tracking)
    try:
        with problems():
            message = await links.change_link(
                service, caller.account_id, message_id, link_id, change, required(conditions)
            )
    except LinksNotFound:
        raise Problem(404, "The message has no such link.") from None
    except LinkNotTrackable as error:
        detail = f"Clicks on this link cannot be tracked: {error.reason}"
        raise Problem(422, f"{detail}.", errors=[FieldError("/tracking", detail)]) from None
    except TargetNotUsable as error:
        detail = f"A click cannot be redirected to this address: {error.reason}"
        raise Problem(422, f"{detail}.", errors=[FieldError("/url", detail)]) from None
    answer = next(LinkAnswer.of(link, service.catalog) for link in message.links if link.id == link_id)
    return Response(answer.model_dump_json(), 200, {"ETag": etag_of(message.version)}, media_type="application/json")


@router.put("/link-labels", response_model=MessageAnswer, summary="Label many links")
async def label_links(
    service: Service,
    caller: Annotated[Caller, requires("write")],
    message_id: UUID,
    body: Annotated[
        dict[UUID, LabelIds],
        Body(
            description="Label ids by link id; other links keep theirs.",
            examples=[{"0190c2b1-10aa-7bbb-8ccc-1d2e3f405162": ["0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"]}],
        ),
    ],
    conditions: Annotated[Preconditions, preconditions()],
) -> Response:
    """Replace the labels of the links named, all or none of them; later clicks carry the new ones."""
    names = await _label_names(service, caller, message_id, {str(link_id): ids for link_id, ids in body.items()})
    try:
        message = await _label(service, caller, message_id, body, names, conditions)
    except LinksNotFound as error:
        detail = "The message has no such link"
        errors = [FieldError(pointer_of([str(link_id)]), detail) for link_id in error.link_ids]
        raise Problem(422, f"{detail}.", errors=errors) from None
    answer = MessageAnswer.of(message, service)
    return Response(answer.model_dump_json(), 200, {"ETag": etag_of(message.version)}, media_type="application/json")


async def _label(
    service: Tracking,
    caller: Caller,
    message_id: UUID,
    labels_by_link: LabelsByLink,
    names: Mapping[UUID, str],
    conditions: Preconditions,
) -> StoredMessage:
    with problems():
        return await link_labels.label_links(
            service, caller.account_id, message_id, labels_by_link, names, required(conditions)
        )


async def _label_names(
    service: Tracking, caller: Caller, message_id: UUID, labels_by_member: Mapping[str, Sequence[UUID]]
) -> dict[UUID, str]:
    """Return the labels' names; `labels_by_member` has the labels' ids by the member of the body that lists them.

    Raises Problem: 404, 422, 503.
    """
    async with service.database.pool.acquire() as connection:
        if await message_number(connection, caller.account_id, message_id) is None:
            raise no_message()
    try:
        with problems():
            return await link_labels.label_names(service, caller.account_id, labels_by_member)
    except LabelsNotUsable as error:
        errors = [FieldError(pointer_of([label.member, label.place]), label.detail) for label in error.labels]
        raise Problem(422, "Not every label exists; see errors.", errors=errors) from None
