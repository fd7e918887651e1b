"""Parts that several events share: sends, origins, references to labels."""

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

    kind: Annotated[SendKind, Field(description="What sends the message.", examples=["campaign"])]
    id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=40,
            description="The id of the campaign, the run, or other cause of the send.",
            examples=["spring-sale"],
        ),
        Meta(min_length=1, max_length=40),
    ]
    sent_at: Instant


@contract
class LabelReference:
    """A label with the name that it had when the event was recorded."""

    id: Annotated[UUID, Field(description="The id of the label.", examples=["0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"])]
    name: Annotated[str, Field(description="The name of the label at that time.", examples=["Dogs"])]


@contract
class Origin:
    """What assigned or removed a label. `kind` is open, and determines the kind of reference."""

    kind: Annotated[
        str,
        Field(
            min_length=1,
            max_length=40,
            description="`click`, `import`, `manual`, `workflow`, `self`, `api`, … Open.",
            examples=["click"],
        ),
        Meta(min_length=1, max_length=40),
    ]
    click_id: Annotated[
        Optional[UUID], Field(description="The click.", examples=["0190d500-0c1c-7d2e-8f3a-4b5c6d7e8f90"])
    ] = None
    message_id: Optional[UUID] = None
    link_id: Optional[UUID] = None
    key_id: Optional[UUID] = None
    ref: Annotated[
        Optional[Annotated[str, Meta(max_length=200)]],
        Field(max_length=200, description="The import, list or form."),
    ] = None
    workflow_id: Optional[UUID] = None
    run_id: Optional[UUID] = None
    step_id: Optional[str] = None
    label_id: Optional[UUID] = None
