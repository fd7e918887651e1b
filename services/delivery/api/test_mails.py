"""`/v1/test-mails`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel, Field

from services.delivery.use_cases.testing import request_test_mails
from shared.events.envelope import ContactId
from shared.http.bodies import RequestBody
from shared.http.keys import Caller, requires
from shared.http.routing import Router
from shared.store.database import Database

router = Router(prefix="/v1/test-mails", tags=["test mails"])

MOST_ADDRESSES = 20


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """The dependencies of the endpoint."""

    database: Database
    requested: Callable[[], None]


def _state(request: Request) -> DeliveryState:
    state: DeliveryState = request.app.state.service
    return state


class TestMailBody(RequestBody):
    """A test mail: the message and its recipients."""

    message_id: Annotated[
        UUID,
        Field(
            description="The message; its newest revision is sent.", examples=["0190c2b0-0d0e-7f10-8a1b-2c3d4e5f6071"]
        ),
    ]
    emails: Annotated[
        list[Annotated[str, Field(max_length=320, pattern=r"^[^\s@]+@[^\s@]+$")]],
        Field(
            min_length=1,
            max_length=MOST_ADDRESSES,
            description="The addresses to send it to. They are not published.",
            examples=[["an@example.com"]],
        ),
    ]
    as_contact_id: Annotated[
        ContactId | None,
        Field(description="The contact for whom the message is rendered; default: no contact.", examples=[17]),
    ] = None
    content: Annotated[
        dict[str, str],
        Field(
            max_length=51,
            description="Variant by block; if missing or empty, the fallback is shown.",
            examples=[{"opening": "dogs"}],
        ),
    ] = Field(default_factory=dict)


class TestMailAnswer(BaseModel):
    """The queued test mails."""

    send_id: Annotated[
        UUID,
        Field(
            description="The id of the send, of kind `test`: its clicks do not count.",
            examples=["0190d600-7788-7999-8aaa-bbccddeeff00"],
        ),
    ]
    count: Annotated[int, Field(description="How many mails will be sent.", examples=[1])]


@router.post("", status_code=202, summary="Send test mails")
async def send_test_mails(
    state: Annotated[DeliveryState, Depends(_state)],
    caller: Annotated[Caller, requires("write")],
    body: TestMailBody,
) -> TestMailAnswer:
    """Send a message to some addresses. Clicks in these mails never count, assign labels or start workflows."""
    send_id = await request_test_mails(
        state.database, caller.account_id, body.message_id, body.emails, body.as_contact_id, dict(body.content)
    )
    state.requested()
    return TestMailAnswer(send_id=send_id, count=len(set(body.emails)))
