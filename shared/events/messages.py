"""Requests to send a message. Workflow, segmentation (campaigns) and labeling each publish them on their own topic."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.events.envelope import ContactEvent, Instant, Optional, contract
from shared.events.parts import Send


@contract
class Cause:
    """Why a message is requested; `kind` is open. Its reference depends on the kind."""

    kind: Annotated[
        str, Field(description="`workflow`, `campaign`, `form`, `preferences`. Open.", examples=["campaign"])
    ]
    workflow_id: Optional[UUID] = None
    run_id: Optional[UUID] = None
    step_id: Optional[str] = None
    campaign_id: Annotated[
        Optional[UUID], Field(description="The campaign.", examples=["0190d4f1-22aa-7b01-8c3d-4e5f60718293"])
    ] = None
    form_id: Optional[UUID] = None


@contract
class SystemMessage:
    """A message that Penchant itself defines, with the link that it contains."""

    kind: Annotated[
        Literal["confirm_subscription", "preference_access"],
        Field(description="Which message.", examples=["confirm_subscription"]),
    ]
    url: Annotated[
        str, Field(description="The link that it contains.", examples=["https://click.example.com/f/confirm/…"])
    ]


@contract
class MessageRequested(ContactEvent):
    """Requests the delivery pipeline to send a message once; a repeated `idempotency_key` is the same request.

    Either `message_id` or `system` says what to send. `revision` is the message's revision at the time of the request.
    The message must not be sent after `expires_at`. `content` names the variant of each block; an empty name stands for
    the fallback.
    """

    name: ClassVar[str] = "MessageRequested"
    topic: ClassVar[str] = "workflow.messages"

    message_id: Annotated[
        Optional[UUID],
        Field(
            description="The message to send; missing if `system` says what to send.",
            examples=["0190c2b0-0d0e-7f10-8a1b-2c3d4e5f6071"],
        ),
    ] = None
    system: Annotated[Optional[SystemMessage], Field(description="A message of Penchant's own to send.")] = None
    send: Send
    cause: Annotated[Cause, Field(description="Why it is requested.")]
    idempotency_key: Annotated[
        str,
        Field(
            description="Identifies the request: messages with the same key are sent once.",
            examples=["0190d4f1-22aa-7b01-8c3d-4e5f60718293:1042"],
        ),
    ]
    revision: Optional[int] = None
    expires_at: Optional[Instant] = None
    content: Annotated[
        Optional[dict[str, str]],
        Field(description="The variant of each block; an empty text is the fallback.", examples=[{"hero": "dogs"}]),
    ] = None


@contract
class CampaignMessageRequested(MessageRequested):
    """The same event, requested by a campaign."""

    topic: ClassVar[str] = "segmentation.messages"


@contract
class SystemMessageRequested(MessageRequested):
    """The same event, requested by labeling."""

    topic: ClassVar[str] = "labeling.messages"
