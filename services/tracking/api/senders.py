"""Endpoints for senders: the names and addresses in the From header of mails."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from services.tracking.api.bodies import Address, SenderName
from services.tracking.api.service import Service
from services.tracking.domain.errors import DomainNotAllowed, LimitReached, SenderNotFound
from services.tracking.store.senders import Sender, count_senders, list_senders, read_sender
from services.tracking.use_cases import senders
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.preconditions import Preconditions, etag_of, preconditions
from shared.http.problems import FieldError, Force, Problem, in_use
from shared.http.routing import Router
from shared.uses import InUseError

router = Router(prefix="/v1/senders", tags=["senders"])


class SenderBody(RequestBody):
    """A sender. Its address must be in a domain that the operator allows the account."""

    name: Annotated[SenderName, Field(description="The name that recipients see.", examples=["Example Shop"])]
    email: Annotated[Address, Field(description="The address that mails come from.", examples=["shop@example.com"])]
    reply_to: Annotated[Address | None, Field(description="The address for replies, if it is another one.")] = None


class SenderChange(RequestBody):
    """Changes of a sender. Absent members stay unchanged; null clears `reply_to`."""

    name: Annotated[
        SenderName | None, Field(description="The name that recipients see.", examples=["Example Shop"])
    ] = None
    email: Annotated[Address | None, Field(description="The address that mails come from.")] = None
    reply_to: Annotated[Address | None, Field(description="The address for replies; null: `email`.")] = None


class SenderAnswer(BaseModel):
    """A sender."""

    id: Annotated[UUID, Field(description="The id of the sender.")]
    name: Annotated[str, Field(description="The name that recipients see.", examples=["Example Shop"])]
    email: Annotated[str, Field(description="The address that mails come from.", examples=["shop@example.com"])]
    reply_to: Annotated[str | None, Field(description="The address for replies; null: `email`.", examples=[None])]
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, sender: Sender) -> "SenderAnswer":
        """Return the answer for a stored sender."""
        return cls(
            id=sender.sender_id,
            name=sender.name,
            email=sender.email,
            reply_to=sender.reply_to,
            created_at=sender.created_at,
            changed_at=sender.changed_at,
        )


def _no_sender() -> Problem:
    return Problem(404, "There is no such sender.")


def _not_allowed(error: DomainNotAllowed) -> Problem:
    detail = f"The account may not send mails from {error}"
    return Problem(422, f"{detail}; the operator allows domains.", errors=[FieldError("/email", detail)])


@router.post("", status_code=201, response_model=SenderAnswer, summary="Create a sender")
async def create_sender(service: Service, caller: Annotated[Caller, requires("write")], body: SenderBody) -> Response:
    """Create a sender, which messages can then use."""
    try:
        sender = await senders.create_sender(service, caller.account_id, body.name, body.email, body.reply_to)
    except DomainNotAllowed as error:
        raise _not_allowed(error) from None
    except LimitReached as error:
        raise Problem(422, f"{error}.") from None
    headers = {"ETag": etag_of(sender.version), "Location": f"/v1/senders/{sender.sender_id}"}
    return Response(SenderAnswer.of(sender).model_dump_json(), 201, headers, media_type="application/json")


@router.get("", summary="List senders")
async def list_all(
    service: Service, caller: Annotated[Caller, requires("read")], page: Annotated[PageRequest, page_request()]
) -> Page[SenderAnswer]:
    """Return the account's senders, oldest first."""
    (after,) = page.key(UUID) or (None,)
    async with service.snapshot() as connection:
        rows = await list_senders(connection, caller.account_id, after, page.fetch)
        total = await count_senders(connection, caller.account_id)
    return Page[SenderAnswer].of(rows, page, key=lambda row: [row.sender_id], item=SenderAnswer.of, total=total)


@router.get("/{sender_id}", response_model=SenderAnswer, summary="Show a sender")
async def show_sender(
    service: Service,
    caller: Annotated[Caller, requires("read", pipeline=True)],
    sender_id: UUID,
    conditions: Annotated[Preconditions, preconditions()],
) -> Response:
    """Return the sender."""
    async with service.database.pool.acquire() as connection:
        sender = await read_sender(connection, caller.account_id, sender_id)
    if sender is None:
        raise _no_sender()
    return conditions.answer(SenderAnswer.of(sender), etag_of(sender.version))


@router.patch("/{sender_id}", response_model=SenderAnswer, summary="Change a sender")
async def change_sender(
    service: Service,
    caller: Annotated[Caller, requires("write")],
    sender_id: UUID,
    body: SenderChange,
    conditions: Annotated[Preconditions, preconditions()],
) -> Response:
    """Change the given members. Mails that are rendered from now on use the changed sender."""

    def changed(sender: Sender) -> Sender:
        conditions.require(etag_of(sender.version))
        reply_to = body.reply_to if "reply_to" in body.model_fields_set else sender.reply_to
        return replace(sender, name=body.name or sender.name, email=body.email or sender.email, reply_to=reply_to)

    try:
        sender = await senders.edit_sender(service, caller.account_id, sender_id, changed)
    except SenderNotFound:
        raise _no_sender() from None
    except DomainNotAllowed as error:
        raise _not_allowed(error) from None
    return Response(
        SenderAnswer.of(sender).model_dump_json(), 200, {"ETag": etag_of(sender.version)}, media_type="application/json"
    )


@router.delete("/{sender_id}", status_code=204, summary="Delete a sender", response_class=Response)
async def delete_sender(
    service: Service, caller: Annotated[Caller, requires("write")], sender_id: UUID, force: Force = False
) -> None:
    """Delete a sender. Messages that use it then have no sender."""
    try:
        await senders.remove_sender(service, caller.account_id, sender_id, force=force)
    except SenderNotFound:
        raise _no_sender() from None
    except InUseError as error:
        raise in_use(error) from None
