"""The events of tracking: clicks, and the catalog of messages with their links."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.events.envelope import CatalogEvent, ContactEvent, Optional, contract
from shared.events.parts import LabelReference, Send, Verdict


@contract
class ContactClicked(ContactEvent):
    """A contact, or a machine on its behalf, requested a tracked link. `history`: it counts but starts no workflow."""

    name: ClassVar[str] = "ContactClicked"
    topic: ClassVar[str] = "tracking.clicks"

    click_id: UUID
    message_id: UUID
    send: Optional[Send] = None
    link_id: UUID
    url: str
    labels: Annotated[
        tuple[LabelReference, ...],
        Field(
            description="The labels of the link when it was clicked, without deleted labels.",
            examples=[[{"id": "0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a", "name": "Dogs"}]],
        ),
    ]
    verdict: Verdict
    reasons: tuple[str, ...]
    history: Optional[bool] = None


@contract
class MessageLink:
    """A link of a message. `present` is false if the newest revision no longer has it; the link still redirects."""

    id: Annotated[UUID, Field(description="The id of the link.", examples=["0190c2b1-10aa-7bbb-8ccc-1d2e3f405162"])]
    number: Annotated[int, Field(description="The number of the link in the message.", examples=[1])]
    url: str
    text: Annotated[str, Field(description="The text of the link.", examples=["Read the guide"])]
    trackable: Annotated[bool, Field(description="Whether clicks are tracked.", examples=[True])]
    reason: Annotated[Optional[str], Field(description="Why clicks are not tracked.")] = None
    present: Annotated[bool, Field(description="Whether the newest revision has the link.")] = True
    labels: Annotated[
        tuple[LabelReference, ...],
        Field(
            description="The labels that a contact gets by clicking.",
            examples=[[{"id": "0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a", "name": "Dogs"}]],
        ),
    ] = ()


@contract
class BlockVariant:
    """A variant of a block. `criterion` is in the long form of the grammar (see `shared.criteria`).

    A variant without a criterion is never chosen.
    """

    variant: str
    criterion: Annotated[
        Optional[dict[str, Any]],
        Field(
            description="The criterion of contacts to whom the variant is shown, in the long form of the grammar.",
            examples=[{"label": {"id": "0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"}}],
        ),
    ] = None


@contract
class MessageBlock:
    """A named place in a message. The first variant whose criterion is true is shown, else the fallback.

    `variants` are in the order in which they are tried. `fallback` is false if nothing is shown without a variant.
    `links` are the links within the block, in any of its variants. The block `subject` is the subject of the mail.
    """

    block: str
    variants: Annotated[
        tuple[BlockVariant, ...], Field(description="The variants in the order in which they are tried.")
    ]
    fallback: Annotated[
        bool, Field(description="Whether there is a fallback; without one, nothing is shown.", examples=[True])
    ]
    links: Annotated[tuple[UUID, ...], Field(description="Ids of the links in any of its variants.")] = ()


@contract
class MessageChanged(CatalogEvent):
    """A message with its links and their labels, and its blocks with their variants and criteria."""

    name: ClassVar[str] = "MessageChanged"
    topic: ClassVar[str] = "tracking.catalog"

    message_id: UUID
    message_name: Annotated[
        str, Field(description="The name of the message, which contacts do not see.", examples=["Puppy guide"])
    ]
    revision: int
    state: Annotated[Literal["active", "deleted"], Field(description="Whether the message was deleted.")] = "active"
    links: Annotated[tuple[MessageLink, ...], Field(description="The links of all revisions.")]
    blocks: Annotated[tuple[MessageBlock, ...], Field(description="The blocks of the newest revision.")] = ()

    @property
    def key(self) -> str:
        return f"message:{self.message_id}"
