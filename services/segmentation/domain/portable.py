"""Criteria, audiences and blocks in the form that is sent between processes and stored with a launched campaign."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.segmentation.domain.audience import Audience
from shared.criteria import Criterion, inline_segments, parse, references, write
from shared.criteria.content import Block, Variant


class PortableCriterion(BaseModel):
    """A written criterion, with the criteria of all segments in it by id."""

    criterion: dict[str, Any]
    segments: dict[UUID, dict[str, Any]] = {}

    @classmethod
    def of(cls, criterion: Criterion, segments: Mapping[UUID, Criterion]) -> "PortableCriterion":
        """Return the criterion with those of the account's segments that it names, directly or indirectly."""
        needed: dict[UUID, dict[str, Any]] = {}
        waiting = [criterion]
        while waiting:
            for segment_id in references(waiting.pop()).segments:
                if segment_id not in needed and segment_id in segments:
                    needed[segment_id] = write(segments[segment_id])
                    waiting.append(segments[segment_id])
        return cls(criterion=write(criterion), segments=needed)

    @property
    def bytes(self) -> int:
        """Its size in bytes as JSON."""
        return len(self.model_dump_json())

    @cached_property
    def inlined(self) -> Criterion:
        """The criterion to evaluate. Raises InvalidCriterion if a segment is missing."""
        segments = {segment_id: parse(written) for segment_id, written in self.segments.items()}
        return inline_segments(parse(self.criterion), segments.get)


class PortableVariant(BaseModel):
    """A variant; without a criterion it is never chosen."""

    variant: str
    asked: PortableCriterion | None = None


class PortableBlock(BaseModel):
    """A block with its variants in order."""

    block: str
    variants: list[PortableVariant]

    @property
    def inlined(self) -> Block:
        """The block in the form for evaluation."""
        return Block(self.block, tuple(Variant(one.variant, one.asked.inlined) for one in self.variants if one.asked))


class PortableAudience(BaseModel):
    """An audience whose criteria carry their segments."""

    include: list[PortableCriterion]
    exclude: list[PortableCriterion] = []
    hold_out_percent: float = 0.0
    hold_out_seed: str = ""

    @property
    def inlined(self) -> Audience:
        """The audience in the form for evaluation."""
        return Audience(
            [one.inlined for one in self.include],
            [one.inlined for one in self.exclude],
            self.hold_out_percent,
            self.hold_out_seed,
        )
