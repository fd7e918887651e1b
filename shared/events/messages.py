"""Requests to send a message. Workflow, segmentation (campaigns) and labeling make them, each on a topic of its own."""

from typing import ClassVar, Literal
from uuid import UUID

from shared.events.envelope import ContactEvent, Instant, Optional, contract
from shared.events.parts import Send


@contract
class Cause:
    """Why a message is requested; `kind` is open. Its reference depends on the kind."""

    kind: str
    workflow_id: Optional[UUID] = None
    run_id: Optional[UUID] = None
    step_id: Optional[str] = None
    campaign_id: Optional[UUID] = None
    form_id: Optional[UUID] = None


@contract
class SystemMessage:
    """A message of Penchant's own, with the link that it is about."""

    kind: Literal["confirm_subscription", "preference_access"]
    url: str


@contract
class MessageRequested(ContactEvent):
    """Asks the delivery pipeline to send a message once; the same `idempotency_key` is the same request.

    Either `message_id` or `system` says what to send. `revision` is that of the message when it was requested. Nothing
    is sent after `expires_at`. `content` names the variant of each block; an empty name stands for the fallback.
    """

    name: ClassVar[str] = "MessageRequested"
    topic: ClassVar[str] = "workflow.messages"

    message_id: Optional[UUID] = None
    system: Optional[SystemMessage] = None
    send: Send
    cause: Cause
    idempotency_key: str
    revision: Optional[int] = None
    expires_at: Optional[Instant] = None
    content: Optional[dict[str, str]] = None


@contract
class CampaignMessageRequested(MessageRequested):
    """The same event, requested by a campaign."""

    topic: ClassVar[str] = "segmentation.messages"


@contract
class SystemMessageRequested(MessageRequested):
    """The same event, requested by labeling."""

    topic: ClassVar[str] = "labeling.messages"
