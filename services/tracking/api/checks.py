"""The check of a message before it is sent."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.tracking.api.service import Service, no_message
from services.tracking.domain.checking import CheckedMessage, check
from services.tracking.store.messages import read_message, read_revision
from services.tracking.store.senders import read_sender
from services.tracking.use_cases.blocks import is_broken
from shared.events.envelope import Optional
from shared.http.keys import Caller, requires
from shared.http.routing import Router

router = Router(tags=["messages"])


class WarningAnswer(BaseModel):
    """A possible problem of the message."""

    code: Annotated[
        str,
        Field(
            description="`no_subject`, `no_unsubscribe_link`, `no_postal_address`, `unknown_tag`, … (open).",
            examples=["no_unsubscribe_link"],
        ),
    ]
    pointer: Annotated[Optional[str], Field(description="JSON pointer into the message.")] = None
    detail: Annotated[
        str,
        Field(
            description="The problem, and what to do about it.", examples=["The message has no link to unsubscribe."]
        ),
    ]


class CheckAnswer(BaseModel):
    """The warnings; an empty list if no problem was found."""

    warnings: Annotated[list[WarningAnswer], Field(description="Possible problems; empty if none were found.")]


@router.get("/v1/messages/{message_id}/check", summary="Check a message")
async def check_message(service: Service, caller: Annotated[Caller, requires("read")], message_id: UUID) -> CheckAnswer:
    """Return possible problems of the newest revision."""
    async with service.snapshot() as connection:
        message = await read_message(connection, caller.account_id, message_id)
        revision = await read_revision(connection, caller.account_id, message_id)
        sender_id = None if message is None else message.content.sender_id
        sender = None if sender_id is None else await read_sender(connection, caller.account_id, sender_id)
    if message is None or revision is None:
        raise no_message()
    blocks = message.blocks()
    broken = [
        (block.name, variant)
        for block in blocks
        for variant, criterion in block.variants
        if criterion is not None and is_broken(service, caller.account_id, criterion)
    ]
    checked = CheckedMessage(
        revision.html,
        message.content,
        message.links_in_order(),
        blocks,
        broken,
        sender_id is not None and sender is None,
    )
    remarks = await service.thread_turns.run_in_thread(caller.account_id, check, checked)
    return CheckAnswer(
        warnings=[WarningAnswer(code=one.code, pointer=one.pointer, detail=one.detail) for one in remarks]
    )
