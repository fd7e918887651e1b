"""Numbers per message: exact, and as of now."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel

from services.tracking.api.service import Service, no_message
from services.tracking.store.messages import message_number, read_message
from services.tracking.store.statistics import Numbers, statistics_of_message
from shared.events.parts import Send
from shared.http.keys import Caller, requires
from shared.http.routing import Router

router = Router(tags=["messages"])


class Clicks(BaseModel):
    """Clicks by verdict."""

    human: int = 0
    machine: int = 0
    unsure: int = 0


class LinkNumbers(BaseModel):
    """Clicks on a link; `contacts` counts those with a human click. `present`: the newest revision has the link."""

    link_id: UUID
    number: int
    url: str
    text: str
    present: bool
    clicks: Clicks
    contacts: int


class SendNumbers(BaseModel):
    """Clicks in a send; null for those in none."""

    send: Send | None
    clicks: Clicks
    contacts: int


class MessageNumbers(BaseModel):
    """Clicks on a message, per link and per send. A contact is counted once in each number of `contacts`."""

    message_id: UUID
    clicks: Clicks
    contacts: int
    links: list[LinkNumbers]
    sends: list[SendNumbers]


@router.get("/v1/messages/{message_id}/stats", summary="A message's numbers")
async def show_statistics(
    service: Service, caller: Annotated[Caller, requires("read")], message_id: UUID
) -> MessageNumbers:
    """Clicks by verdict, and distinct contacts with human clicks: in all, per link and per send."""
    async with service.snapshot() as connection:
        message = await read_message(connection, caller.account_id, message_id)
        message_no = await message_number(connection, caller.account_id, message_id)
        if message is None or message_no is None:
            raise no_message()
        found = await statistics_of_message(connection, message_no)
    return MessageNumbers(
        message_id=message_id,
        **_numbers(found.total),
        links=[
            LinkNumbers(
                link_id=link.id,
                number=link.number,
                url=link.url,
                text=link.text,
                present=link.present,
                **_numbers(found.links.get(link.number)),
            )
            for link in message.links
            if link.present or link.number in found.links
        ],
        sends=[SendNumbers(send=send, **_numbers(numbers)) for send, numbers in found.sends],
    )


def _numbers(numbers: Numbers | None) -> dict[str, object]:
    if numbers is None:
        return {"clicks": Clicks(), "contacts": 0}
    return {"clicks": Clicks(**numbers.clicks), "contacts": numbers.contacts}
