"""Labels on links: set for one, or for many at once. They change later clicks only."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Body, Response
from pydantic import Field

from services.tracking.api.models import LinkAnswer, MessageAnswer
from services.tracking.api.service import Service, Tracking, no_message
from services.tracking.domain.revisions import LinkLabel
from services.tracking.store.editing import label, read_to_change
from services.tracking.store.messages import StoredMessage, message_number
from shared.events.labeling import LabelChanged
from shared.events.topics import CATALOG_PARTITION
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.pointers import pointer_of
from shared.http.preconditions import Preconditions, etag_of, preconditions
from shared.http.problems import FieldError, Problem, unavailable
from shared.http.routing import Router
from shared.store.errors import EventTooLarge

router = Router(prefix="/v1/messages/{message_id}", tags=["messages"])

LabelIds = Annotated[list[UUID], Field(max_length=50, description="All labels of the link, in this order.")]
Wanted = Mapping[UUID, Sequence[UUID]]  # label ids by link


class LinkLabelsBody(RequestBody):
    """The labels that a link is to have."""

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
    """Sets the labels of one link, instead of those that it had; later clicks carry them."""
    await _expect_message(service, caller, message_id)
    names = await _names(service, caller.account_id, {"label_ids": body.label_ids})
    message = await _change(service, caller, message_id, {link_id: body.label_ids}, names, conditions)
    answer = next(LinkAnswer.of(link, service.around.catalog) for link in message.links if link.id == link_id)
    return Response(answer.model_dump_json(), 200, {"ETag": etag_of(message.version)}, media_type="application/json")


@router.put("/link-labels", response_model=MessageAnswer, summary="Label many links")
async def label_links(
    service: Service,
    caller: Annotated[Caller, requires("write")],
    message_id: UUID,
    body: Annotated[dict[UUID, LabelIds], Body(description="Label ids by link id; other links keep theirs.")],
    conditions: Annotated[Preconditions, preconditions()],
) -> Response:
    """Sets the labels of the links named, all or none of them; later clicks carry them."""
    await _expect_message(service, caller, message_id)
    names = await _names(service, caller.account_id, {str(link_id): ids for link_id, ids in body.items()})
    message = await _change(service, caller, message_id, body, names, conditions, pointed=True)
    answer = MessageAnswer.of(message, service.around.catalog)
    return Response(answer.model_dump_json(), 200, {"ETag": etag_of(message.version)}, media_type="application/json")


async def _change(
    service: Tracking,
    caller: Caller,
    message_id: UUID,
    wanted: Wanted,
    names: Mapping[UUID, str],
    conditions: Preconditions,
    *,
    pointed: bool = False,
) -> StoredMessage:
    labels = {
        link_id: [LinkLabel(label_id, names[label_id]) for label_id in dict.fromkeys(label_ids)]
        for link_id, label_ids in wanted.items()
    }
    try:
        async with service.around.database.unit_of_work(CATALOG_PARTITION) as work:
            message = await read_to_change(work, caller.account_id, message_id)
            if message is None:
                raise no_message()
            conditions.require(etag_of(message.version))
            unknown = wanted.keys() - {link.id for link in message.links}
            if unknown:
                detail = "The message has no such link"
                errors = [FieldError(pointer_of([str(link_id)]), detail) for link_id in sorted(unknown)]
                raise Problem(422, f"{detail}.", errors=errors) if pointed else Problem(404, f"{detail}.")
            message, event = await label(work, message, labels)
    except EventTooLarge:
        raise Problem(422, "The message has more links and labels than it can hold.") from None
    await service.told(work, event)
    return message


async def _expect_message(service: Tracking, caller: Caller, message_id: UUID) -> None:
    async with service.around.database.pool.acquire() as connection:
        if await message_number(connection, caller.account_id, message_id) is None:
            raise no_message()


async def _names(service: Tracking, account_id: int, wanted: Mapping[str, Sequence[UUID]]) -> dict[UUID, str]:
    """The names of the labels, given by where they stand in the body. Raises Problem 422 for one that there is not."""
    names, errors = _look_up(service, account_id, wanted)
    if errors:
        # A label made a moment ago is on its way.
        up_to_date = await service.around.catalog.refresh()
        names, errors = _look_up(service, account_id, wanted)
        if errors and not up_to_date:
            raise unavailable("Whether the labels exist cannot be found out now. Try again in a moment.")
    if errors:
        raise Problem(422, "Not every label exists; see errors.", errors=errors)
    return names


def _look_up(
    service: Tracking, account_id: int, wanted: Mapping[str, Sequence[UUID]]
) -> tuple[dict[UUID, str], list[FieldError]]:
    names: dict[UUID, str] = {}
    errors = []
    for member, place, label_id in _each(wanted):
        current = service.around.catalog.find(LabelChanged, label_id)
        if current is None or current.account_id != account_id or current.state == "deleted":
            errors.append(FieldError(pointer_of([member, place]), "There is no such label"))
        elif current.state == "merged":
            errors.append(FieldError(pointer_of([member, place]), "The label was merged into another one"))
        else:
            names[label_id] = current.label_name
    return names, errors


def _each(wanted: Mapping[str, Sequence[UUID]]) -> Iterator[tuple[str, int, UUID]]:
    for member, label_ids in wanted.items():
        for place, label_id in enumerate(label_ids):
            yield member, place, label_id
