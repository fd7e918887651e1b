"""What tracking publishes: clicks, and the catalog of messages with their links."""

from typing import Any, ClassVar, Literal
from uuid import UUID

from shared.events.envelope import CatalogEvent, ContactEvent, Optional, contract
from shared.events.parts import LabelReference, Send, Verdict


@contract
class ContactClicked(ContactEvent):
    """A contact, or a machine in its name, requested a tracked link. `history`: it counts and starts no workflow."""

    name: ClassVar[str] = "ContactClicked"
    topic: ClassVar[str] = "tracking.clicks"

    click_id: UUID
    message_id: UUID
    send: Optional[Send] = None
    link_id: UUID
    url: str
    labels: tuple[LabelReference, ...]
    verdict: Verdict
    reasons: tuple[str, ...]
    history: Optional[bool] = None


@contract
class MessageLink:
    """A link of a message. `present` is false for one that the newest revision no longer has; it still resolves."""

    id: UUID
    number: int
    url: str
    text: str
    trackable: bool
    reason: Optional[str] = None
    present: bool = True
    labels: tuple[LabelReference, ...] = ()


@contract
class BlockVariant:
    """A variant of a block. `criterion` is in the long form of the grammar (see `shared.criteria`).

    A variant without a criterion is never chosen.
    """

    variant: str
    criterion: Optional[dict[str, Any]] = None


@contract
class MessageBlock:
    """A named place in a message. The first variant whose criterion is true is shown, else the fallback.

    `variants` are in the order in which they are tried. `fallback` is false if nothing is shown without a variant.
    `links` are the links within the block, in any of its variants. The block `subject` is the subject of the mail.
    """

    block: str
    variants: tuple[BlockVariant, ...]
    fallback: bool
    links: tuple[UUID, ...] = ()


@contract
class MessageChanged(CatalogEvent):
    """A message with its links and their labels, and its blocks with their variants and criteria."""

    name: ClassVar[str] = "MessageChanged"
    topic: ClassVar[str] = "tracking.catalog"

    message_id: UUID
    message_name: str
    revision: int
    state: Literal["active", "deleted"] = "active"
    links: tuple[MessageLink, ...]
    blocks: tuple[MessageBlock, ...] = ()

    @property
    def key(self) -> str:
        return f"message:{self.message_id}"
