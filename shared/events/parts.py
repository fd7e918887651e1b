"""Pieces that several events share: sends, origins, references to labels."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta
from pydantic import Field

from shared.events.envelope import Instant, Optional, contract

SendKind = Literal["campaign", "workflow", "test", "other"]
Verdict = Literal["human", "machine", "unsure"]


@contract
class Send:
    """One sending of a message."""

    kind: SendKind
    id: Annotated[str, Field(min_length=1, max_length=40), Meta(min_length=1, max_length=40)]
    sent_at: Instant


@contract
class LabelReference:
    """A label with the name that it had when the event was recorded."""

    id: UUID
    name: str


@contract
class Origin:
    """What asserted or took away a label. `kind` is open; the reference that goes with it depends on the kind."""

    kind: Annotated[str, Field(min_length=1, max_length=40), Meta(min_length=1, max_length=40)]
    click_id: Optional[UUID] = None
    message_id: Optional[UUID] = None
    link_id: Optional[UUID] = None
    key_id: Optional[UUID] = None
    ref: Annotated[Optional[Annotated[str, Meta(max_length=200)]], Field(max_length=200)] = None
    workflow_id: Optional[UUID] = None
    run_id: Optional[UUID] = None
    step_id: Optional[str] = None
    label_id: Optional[UUID] = None
