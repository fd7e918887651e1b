"""The parts of a message other than its HTML, and the criteria of its blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from services.tracking.domain.blocks import SUBJECT, Layout


@dataclass(frozen=True, slots=True)
class MailContent:
    """Subject, text and sender of a revision. `text_is_made`: the text was generated from the HTML."""

    subject: str | None = None
    subject_variants: Mapping[str, str] = field(default_factory=dict)
    preheader: str | None = None
    sender_id: UUID | None = None
    reply_to: str | None = None
    text: str | None = None
    text_is_made: bool = True


@dataclass(frozen=True, slots=True)
class Draft:
    """The contents of a message as written by a client: its name, its HTML, and the other parts of the mail."""

    name: str
    html: str
    content: MailContent = field(default_factory=MailContent)


class VariantCriterion(NamedTuple):
    """The criterion of a variant, in the long form of the grammar."""

    variant: str
    criterion: Mapping[str, Any]


Criteria = Mapping[str, Sequence[VariantCriterion]]  # by block, in the order in which they are tried


class BlockState(NamedTuple):
    """A block of the newest revision: its variants in the order in which they are tried, and their criteria."""

    name: str
    variants: Sequence[tuple[str, Mapping[str, Any] | None]]
    fallback: bool
    links: Sequence[UUID]


def block_states(layout: Layout, content: MailContent, criteria: Criteria) -> list[BlockState]:
    """Return the blocks with their criteria; variants that have none yet come last."""
    blocks = [(block.name, block.variants, block.fallback, block.links) for block in layout.blocks]
    if content.subject_variants:
        blocks.insert(0, (SUBJECT, tuple(content.subject_variants), bool(content.subject), ()))
    states = []
    for name, variants, fallback, links in blocks:
        known = {one.variant: one.criterion for one in criteria.get(name, ()) if one.variant in variants}
        ordered = [*known.items(), *((variant, None) for variant in variants if variant not in known)]
        states.append(BlockState(name, ordered, fallback, links))
    return states
