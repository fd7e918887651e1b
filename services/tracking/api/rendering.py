"""Endpoints that render a message's HTML with tracked links, and complete mails for up to 1,000 recipients."""

from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from services.tracking.api.service import Service, problems
from services.tracking.api.tokens import NDJSON, SendBody, token_maker
from services.tracking.domain.rendering import MailTemplates, line_of, pieces_of_html
from services.tracking.use_cases.contacts import is_known_contact
from services.tracking.use_cases.rendering import CompiledMessage
from shared.account_turns import AccountTurns
from shared.events.envelope import ContactId
from shared.http.batches import BatchError, none_taken
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.problems import FieldError, Problem
from shared.http.routing import Router
from shared.tokens import TokenContents, TokenMaker

router = Router(prefix="/v1/messages/{message_id}", tags=["messages"])

TRACKED_HTML = '<p>Read the <a href="https://click.example.com/c/AZDCoq8Z….1">puppy guide</a>.</p>'
MOST_RECIPIENTS = 1_000
MAILS_PER_CHUNK = 20
SAFE_HTML = {
    # A browser shows the mail in an opaque origin and without scripts.
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src * data:; style-src 'unsafe-inline' *; font-src *",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "SAMEORIGIN",
}
Scalar = bool | int | float | str
Content = Annotated[
    dict[str, str], Field(max_length=51, description="Variant by block; if missing or empty, the fallback is shown.")
]


class ContactValues(RequestBody):
    """The values of `{{contact.…}}`."""

    email: Annotated[
        str | None,
        Field(max_length=320, description="The value of `{{contact.email}}`.", examples=["anna@example.com"]),
    ] = None


class RecipientBody(RequestBody):
    """A recipient, with the values for its mail."""

    contact_id: ContactId
    content: Content = Field(default_factory=dict, examples=[{"hero": "dogs"}])
    fields: Annotated[
        dict[str, Scalar | None], Field(max_length=200, description="Values of `{{field.…}}`, by key.")
    ] = Field(default_factory=dict)
    contact: Annotated[
        ContactValues | None, Field(description="Values of `{{contact.…}}`.", examples=[{"email": "anna@example.com"}])
    ] = None
    email: Annotated[str | None, Field(max_length=320, description="Short for `contact.email`.")] = None

    def values(self) -> dict[str, str]:
        """Return the values of merge tags by name."""
        values = {f"field.{key}": _scalar_text(value) for key, value in self.fields.items() if value is not None}
        email = (self.contact.email if self.contact else None) or self.email
        if email:
            values["contact.email"] = email
        return values


class RenderBody(RequestBody):
    """The recipients whose mails are rendered."""

    send: Annotated[
        SendBody | None,
        Field(
            description="The send that the mails belong to.",
            examples=[{"kind": "campaign", "id": "spring-sale", "sent_at": "2026-03-01T10:00:00Z"}],
        ),
    ] = None
    revision: Annotated[int | None, Field(ge=1, le=2**31 - 1, description="The revision; default: the newest.")] = None
    recipients: Annotated[
        list[RecipientBody],
        Field(min_length=1, max_length=MOST_RECIPIENTS, description="The recipients, with the values for their mails."),
    ]


class MailLine(BaseModel):
    """A line of the answer: a recipient's mail, or an error (`index`, `code`, …)."""

    contact_id: int
    token: str
    subject: str
    preheader: str
    text: Annotated[
        str,
        Field(
            description="The text part of the mail.",
            examples=["Read the puppy guide: https://click.example.com/c/AZDCoq8Z….1"],
        ),
    ]
    html: Annotated[
        str,
        Field(
            description="The HTML part of the mail, with tracked links.",
            examples=['<p>Read the <a href="https://click.example.com/c/AZDCoq8Z….1">puppy guide</a>.</p>'],
        ),
    ]
    sender: Annotated[
        dict[str, str] | None,
        Field(
            description="`name` and `email`; null if the message has none.",
            examples=[{"name": "Example Shop", "email": "shop@example.com"}],
        ),
    ]
    reply_to: str | None


def _scalar_text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


@router.post(
    "/render",
    response_class=StreamingResponse,
    summary="Render the mails of up to 1,000 recipients",
    responses={200: {"content": {NDJSON: {"schema": MailLine.model_json_schema()}}}},
)
async def render(
    service: Service, caller: Annotated[Caller, requires("write", pipeline=True)], message_id: UUID, body: RenderBody
) -> StreamingResponse:
    """Return a line of JSON per recipient, in the order of the request, with merge tags filled in and escaped.

    This does not check whether the contacts are subscribed.
    """
    with problems():
        message = await service.renderer.message(caller.account_id, message_id, body.revision)
    maker = token_maker(service, caller, message_id, body.send)
    errors = [
        _unknown_variant(index, block)
        for index, recipient in enumerate(body.recipients)
        if (block := message.first_unknown_block(recipient.content)) is not None
    ]
    if len(errors) == len(body.recipients):
        none_taken(errors[:100])
    lines = _lines(service.turns, caller.account_id, message, maker, body.recipients, errors)
    return StreamingResponse(lines, media_type=NDJSON)


async def _lines(
    turns: AccountTurns,
    account_id: int,
    message: CompiledMessage,
    maker: TokenMaker,
    recipients: Sequence[RecipientBody],
    errors: Sequence[BatchError],
) -> AsyncIterator[bytes]:
    sender_members = _sender_members(message)
    refused = {error.index: orjson.dumps(error.model_dump(), option=orjson.OPT_APPEND_NEWLINE) for error in errors}
    for start in range(0, len(recipients), MAILS_PER_CHUNK):
        chunk = dict(enumerate(recipients[start : start + MAILS_PER_CHUNK], start))
        mails = {
            index: await message.mail(recipient.content) for index, recipient in chunk.items() if index not in refused
        }
        yield await turns.run(account_id, _chunk(maker, chunk, mails, refused, sender_members))


def _chunk(
    maker: TokenMaker,
    recipients: Mapping[int, RecipientBody],
    mails: Mapping[int, MailTemplates],
    refused: Mapping[int, bytes],
    sender_members: bytes,
) -> Generator[None, None, bytes]:
    """Make the lines of recipients, one in each step; return them. `sender_members` are added to each line, as JSON."""
    lines = []
    for index, recipient in recipients.items():
        if index in refused:
            lines.append(refused[index])
        else:
            token = maker.token(recipient.contact_id).encode()
            lines.append(line_of(recipient.contact_id, token, mails[index], recipient.values(), sender_members))
        yield
    return b"".join(lines)


def _sender_members(message: CompiledMessage) -> bytes:
    sender = None if message.sender is None else {"name": message.sender.name, "email": message.sender.email}
    reply_to = message.revision.content.reply_to or (message.sender.reply_to if message.sender else None)
    return b"," + orjson.dumps({"sender": sender, "reply_to": reply_to})[1:-1]


def _unknown_variant(index: int, block: str) -> BatchError:
    pointer = f"/recipients/{index}/content/{block}"
    return BatchError(index=index, code="not_found", pointer=pointer, detail="The block has no such variant.")


class HtmlResponse(Response):
    """A response with the registered HTML, in UTF-8."""

    media_type = "text/html"


@router.get(
    "/html",
    response_class=HtmlResponse,
    summary="Render a message's HTML with tracked links",
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}, "example": TRACKED_HTML}}}},
)
async def tracked_html(
    service: Service,
    caller: Annotated[Caller, requires("read", pipeline=True)],
    message_id: UUID,
    contact_id: Annotated[ContactId | None, Query(description="Render for this contact, without a send.")] = None,
    merge_tag: Annotated[
        str | None,
        Field(min_length=1, max_length=200),
        Query(description="Render for all recipients: a text that the sender replaces by each contact's token."),
    ] = None,
    revision: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The revision; default: the newest.")] = None,
    content: Annotated[
        str | None,
        Query(
            max_length=5000,
            description="Variants, such as `hero:dogs,footer:`; nothing after the colon means the fallback.",
        ),
    ] = None,
) -> HtmlResponse:
    """Return the HTML, byte for byte except hrefs of tracked links, blocks, and links to the recipient's pages.

    Blocks that `content` does not name show their fallback. Merge tags of fields are not filled in: see `render`.
    """
    if (contact_id is None) == (merge_tag is None):
        detail = "Specify exactly one of contact_id and merge_tag"
        raise Problem(422, f"{detail}.", errors=[FieldError("/query/contact_id", detail)])
    with problems():
        message = await service.renderer.message(caller.account_id, message_id, revision)
    chosen = _content(content, message)
    if contact_id is not None:
        if not await is_known_contact(service, caller.account_id, contact_id):
            raise Problem(404, "There is no such contact.")
        token = service.keys.make(TokenContents(caller.account_id, contact_id, message_id))
    else:
        token = merge_tag or ""
    html = await service.thread_turns.run_in_thread(caller.account_id, _html, message, chosen, token)
    return HtmlResponse(html, headers=SAFE_HTML)


def _html(message: CompiledMessage, content: Mapping[str, str], token: str) -> str:
    source = message.revision.html
    pieces = pieces_of_html(message.source, content)
    return "".join(
        piece.replace("\0", token) if isinstance(piece, str) else source[piece.start : piece.end] for piece in pieces
    )


def _content(text: str | None, message: CompiledMessage) -> dict[str, str]:
    """Parse `hero:dogs,footer:`. Raises Problem 422 for a block or variant that the message does not have."""
    content: dict[str, str] = {}
    for item in (text or "").split(","):
        block, colon, variant = item.strip().partition(":")
        if not item.strip():
            continue
        if not colon or variant not in message.variants.get(block, ()):
            detail = f"The message has no block and variant {item.strip()[:130]}"
            raise Problem(422, f"{detail}.", errors=[FieldError("/query/content", detail)])
        content[block] = variant
    return content
