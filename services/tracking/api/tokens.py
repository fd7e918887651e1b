"""Endpoint that makes tokens and tracked links for the recipients of a send."""

from collections.abc import AsyncIterator, Generator, Sequence
from typing import Annotated, Self
from uuid import UUID

import orjson
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, model_validator

from services.tracking.api.service import Service, no_message
from services.tracking.store.messages import read_message
from services.tracking.use_cases.contacts import contacts_of_external_ids, known_contacts
from services.tracking.use_cases.service import Tracking
from shared.account_turns import AccountTurns
from shared.events.envelope import ContactId
from shared.events.intake import NO_NUL, Reported
from shared.events.parts import Send, SendKind
from shared.http.batches import BatchError, none_taken
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.problems import FieldError, Problem
from shared.http.routing import Router
from shared.tokens import TokenMaker

router = Router(tags=["messages"])

MOST_RECIPIENTS = 10_000
LINKS_PER_CHUNK = 6_000
NDJSON = "application/x-ndjson"


class SendBody(RequestBody):
    """A send of a message."""

    kind: Annotated[SendKind, Field(description="What sends the message.", examples=["campaign"])]
    id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=40,
            pattern=NO_NUL,
            description="The id of the campaign, the run, or other cause of the send.",
            examples=["spring-sale"],
        ),
    ]
    sent_at: Reported


class RecipientsBody(RequestBody):
    """The recipients of a send, by their ids or by their external ids."""

    send: Annotated[
        SendBody | None,
        Field(
            description="The send that the tokens belong to.",
            examples=[{"kind": "campaign", "id": "spring-sale", "sent_at": "2026-03-01T10:00:00Z"}],
        ),
    ] = None
    contact_ids: Annotated[
        list[ContactId] | None,
        Field(min_length=1, max_length=MOST_RECIPIENTS, description="The recipients by their ids.", examples=[[1042]]),
    ] = None
    external_ids: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]] | None,
        Field(min_length=1, max_length=MOST_RECIPIENTS, description="The recipients by their external ids."),
    ] = None

    @model_validator(mode="after")
    def check_one_kind_of_id(self) -> Self:
        """Check that contacts are named by contact ids or by external ids, not by both."""
        if (self.contact_ids is None) == (self.external_ids is None):
            raise ValueError("specify exactly one of contact_ids and external_ids")
        return self


class RecipientLine(BaseModel):
    """A line of the answer: a recipient with its token, or an error (`index`, `code`, …)."""

    contact_id: int
    external_id: Annotated[str | None, Field(description="The external id, if the request named one.")] = None
    token: str
    links: Annotated[
        dict[UUID, str] | None,
        Field(
            description="Tracked URL by link id.",
            examples=[{"0190c2b1-10aa-7bbb-8ccc-1d2e3f405162": "https://click.example.com/c/AZDCoq8Z….1"}],
        ),
    ] = None


@router.post(
    "/v1/messages/{message_id}/tokens",
    response_class=StreamingResponse,
    summary="Create tokens and tracked links for up to 10,000 recipients",
    responses={200: {"content": {NDJSON: {"schema": RecipientLine.model_json_schema()}}}},
)
async def make_tokens(
    service: Service,
    caller: Annotated[Caller, requires("write")],
    message_id: UUID,
    body: RecipientsBody,
    links: bool = True,
) -> StreamingResponse:
    """Return a line of JSON per recipient, in the order of the request; an unknown contact gets a line with an
    error."""
    async with service.snapshot() as connection:
        message = await read_message(connection, caller.account_id, message_id)
    if message is None:
        raise no_message()
    maker = token_maker(service, caller, message_id, body.send)
    if body.contact_ids is not None:
        contacts = await known_contacts(service, caller.account_id, body.contact_ids)
    else:
        contacts = await contacts_of_external_ids(service, caller.account_id, body.external_ids or [])
    if not any(contacts):
        none_taken([_missing(index, body) for index in range(min(len(contacts), 100))])
    numbers = [(str(link.id), link.number) for link in message.links_in_order() if link.trackable] if links else None
    lines = _Lines(maker, contacts, body, numbers, f"{service.public_url}/c/")
    return StreamingResponse(_in_turns(service.turns, caller.account_id, lines), media_type=NDJSON)


def token_maker(service: Tracking, caller: Caller, message_id: UUID, send: SendBody | None) -> TokenMaker:
    """Return a maker of the tokens of a send. Raises Problem 422 if the send does not fit into a token."""
    try:
        return service.keys.maker(caller.account_id, message_id, None if send is None else Send(**send.model_dump()))
    except ValueError as error:
        raise Problem(422, "The send does not fit in a token.", errors=[FieldError("/send", str(error))]) from None


async def _in_turns(turns: AccountTurns, account_id: int, lines: "_Lines") -> AsyncIterator[bytes]:
    # Sending to a fast client never waits, so without turns redirects would wait until the whole answer is sent.
    for start in range(0, len(lines.contacts), lines.per_chunk):
        yield await turns.run(account_id, lines.chunk(start))


class _Lines:
    """The lines of an answer, which are made in chunks of `per_chunk` recipients."""

    def __init__(
        self,
        maker: TokenMaker,
        contacts: Sequence[int | None],
        body: RecipientsBody,
        numbers: Sequence[tuple[str, int]] | None,
        base: str,
    ) -> None:
        self.contacts = contacts
        self.per_chunk = max(1, LINKS_PER_CHUNK // (len(numbers or ()) + 20))
        self._maker = maker
        self._body = body
        self._numbers = numbers
        self._base = base

    def chunk(self, start: int) -> Generator[None, None, bytes]:
        """Make the lines from `start` on, one in each step; return them."""
        lines = []
        for index, contact_id in enumerate(self.contacts[start : start + self.per_chunk], start):
            lines.append(orjson.dumps(self._line(index, contact_id), option=orjson.OPT_APPEND_NEWLINE))
            yield
        return b"".join(lines)

    def _line(self, index: int, contact_id: int | None) -> dict[str, object]:
        if contact_id is None:
            line: dict[str, object] = _missing(index, self._body).model_dump()
        else:
            token = self._maker.token(contact_id)
            line = {"contact_id": contact_id, "token": token}
            if self._numbers is not None:
                line["links"] = {link_id: f"{self._base}{token}.{number}" for link_id, number in self._numbers}
        if self._body.external_ids is not None:
            line["external_id"] = self._body.external_ids[index]
        return line


def _missing(index: int, body: RecipientsBody) -> BatchError:
    member = "contact_ids" if body.contact_ids is not None else "external_ids"
    return BatchError(index=index, code="not_found", pointer=f"/{member}/{index}", detail="There is no such contact.")
