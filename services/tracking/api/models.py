"""Models of answers about messages, their links and their blocks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.tracking.domain.mail import BlockState
from services.tracking.domain.revisions import Link
from services.tracking.domain.revisions import Tracking as Tracked
from services.tracking.domain.targets import HINTS
from services.tracking.store.messages import StoredMessage
from services.tracking.use_cases.blocks import is_broken
from services.tracking.use_cases.service import Tracking
from shared.bus.catalog import Catalog
from shared.events.envelope import Optional
from shared.events.labeling import LabelChanged


class LinkLabelAnswer(BaseModel):
    """A label of a link, with its present name."""

    id: Annotated[UUID, Field(description="The id of the label.", examples=["0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"])]
    name: Annotated[str, Field(description="The label's current name.", examples=["Dogs"])]
    by: Annotated[str, Field(description="What assigned the label to the link.", examples=["api"])]
    broken: Annotated[
        Optional[bool], Field(description="True if the label has been deleted: clicks do not carry it.")
    ] = None


class LinkAnswer(BaseModel):
    """A link of a message."""

    id: Annotated[UUID, Field(description="The id of the link.", examples=["0190c2b1-10aa-7bbb-8ccc-1d2e3f405162"])]
    number: Annotated[int, Field(description="The number after the token in tracked URLs; never reused.", examples=[1])]
    url: Annotated[str, Field(description="The target of a click.")]
    url_in_message: Annotated[
        Optional[str], Field(description="The URL in the HTML, if `url` was corrected since.")
    ] = None
    text: Annotated[
        str,
        Field(description="The text of the link, or the alternative text of its picture.", examples=["Read the guide"]),
    ]
    trackable: Annotated[bool, Field(description="Whether clicks are tracked.", examples=[True])]
    reason: Annotated[
        Optional[str],
        Field(description="Why not: `mailto`, `merge_tag`, `unsubscribe`, `tracked`, `never`, … (open)."),
    ] = None
    hint: Annotated[Optional[str], Field(description="What to do about it.")] = None
    tracking: Annotated[
        Tracked, Field(description="`auto` guesses by URL and text; `always` and `never` override the guess.")
    ] = "auto"
    labels: Annotated[list[LinkLabelAnswer], Field(description="The labels that a contact gets by clicking.")]

    @classmethod
    def of(cls, link: Link, catalog: Catalog) -> "LinkAnswer":
        """Return the answer for a stored link, with the current names of its labels."""
        labels = []
        for label in link.labels:
            current = catalog.find(LabelChanged, label.id)
            broken = True if current is not None and current.state == "deleted" else None
            name = label.name if current is None else current.label_name
            labels.append(LinkLabelAnswer(id=label.id, name=name, by=label.by, broken=broken))
        return cls(
            id=link.id,
            number=link.number,
            url=link.leads_to,
            url_in_message=link.url if link.target else None,
            text=link.text,
            trackable=link.trackable,
            reason=link.reason,
            hint=HINTS.get(link.reason) if link.reason else None,
            tracking=link.tracking,
            labels=labels,
        )


class VariantAnswer(BaseModel):
    """A variant of a block."""

    variant: str
    criterion: Annotated[
        Optional[dict[str, Any]],
        Field(
            description="The criterion of contacts to whom the variant is shown; null if nobody is shown it.",
            examples=[{"label": {"id": "0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"}}],
        ),
    ] = None
    broken: Annotated[
        Optional[bool], Field(description="True if the criterion uses something deleted: the variant is skipped.")
    ] = None


class BlockAnswer(BaseModel):
    """A block of the newest revision: its first variant whose criterion is true is shown, else the fallback."""

    block: str
    variants: Annotated[list[VariantAnswer], Field(description="The variants in the order in which they are tried.")]
    fallback: Annotated[
        bool, Field(description="Whether there is a fallback; without one, nothing is shown.", examples=[True])
    ]
    links: Annotated[list[UUID], Field(description="Ids of the links in any of its variants.")]


class MessageSummary(BaseModel):
    """A message in a list."""

    id: Annotated[UUID, Field(description="The id of the message.", examples=["0190c2b0-0d0e-7f10-8a1b-2c3d4e5f6071"])]
    name: Annotated[
        str, Field(description="The name of the message, which contacts do not see.", examples=["Puppy guide"])
    ]
    revision: int
    created_at: datetime
    changed_at: datetime
    link_count: Annotated[int, Field(description="Links of the newest revision.", examples=[1])]


class MessageAnswer(BaseModel):
    """A message with the links of its newest revision, in their order."""

    id: Annotated[UUID, Field(description="The id of the message.", examples=["0190c2b0-0d0e-7f10-8a1b-2c3d4e5f6071"])]
    name: Annotated[
        str, Field(description="The name of the message, which contacts do not see.", examples=["Puppy guide"])
    ]
    revision: int
    created_at: datetime
    changed_at: datetime
    subject: Annotated[str | None, Field(description="The subject of the mail.", examples=["A guide for puppies"])] = (
        None
    )
    subject_variants: Annotated[dict[str, str], Field(description="Texts by variant of the block `subject`.")] = {}
    preheader: str | None = None
    sender_id: Annotated[UUID | None, Field(description="The id of the sender.")] = None
    reply_to: str | None = None
    text: Annotated[str | None, Field(description="The text part of the mail.")] = None
    text_is_made: Annotated[bool, Field(description="Whether the text is generated from the HTML.")] = True
    links: Annotated[Sequence[LinkAnswer], Field(description="The links of the newest revision, in their order.")]
    blocks: Annotated[Sequence[BlockAnswer], Field(description="The blocks of the newest revision.")]
    html: Annotated[Optional[str], Field(description="The registered HTML, if requested.")] = None
    lost_labels: Annotated[
        Optional[Sequence[LinkAnswer]],
        Field(description="After an edit: links that had labels and that the new revision does not have."),
    ] = None

    @classmethod
    def of(
        cls,
        message: StoredMessage,
        tracking: Tracking,
        lost: Sequence[Link] | None = None,
        html: str | None = None,
    ) -> "MessageAnswer":
        """Return the answer for a stored message."""
        content = message.content
        return cls(
            id=message.message_id,
            name=message.name,
            revision=message.revision,
            created_at=message.created_at,
            changed_at=message.changed_at,
            subject=content.subject,
            subject_variants=dict(content.subject_variants),
            preheader=content.preheader,
            sender_id=content.sender_id,
            reply_to=content.reply_to,
            text=content.text,
            text_is_made=content.text_is_made,
            links=[LinkAnswer.of(link, tracking.catalog) for link in message.links_in_order()],
            blocks=[_block(message, tracking, state) for state in message.blocks()],
            html=html,
            lost_labels=None if lost is None else [LinkAnswer.of(link, tracking.catalog) for link in lost],
        )


def _block(message: StoredMessage, tracking: Tracking, state: BlockState) -> BlockAnswer:
    variants = [
        VariantAnswer(
            variant=variant,
            criterion=None if criterion is None else dict(criterion),
            broken=True if criterion is not None and is_broken(tracking, message.account_id, criterion) else None,
        )
        for variant, criterion in state.variants
    ]
    return BlockAnswer(block=state.name, variants=variants, fallback=state.fallback, links=list(state.links))
