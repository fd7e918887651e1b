"""Dynamic content: the variant that a contact gets for each block of a message.

The first variant whose criterion is true is chosen, else the fallback, which is written as an empty name. A variant
without a criterion is never chosen; one whose criterion is broken is skipped.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from shared.criteria.grammar import Criterion, InvalidCriterion
from shared.criteria.parsing import parse

FALLBACK = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of a block that may be chosen."""

    name: str
    criterion: Criterion


@dataclass(frozen=True, slots=True)
class Block:
    """A named place in a message, with its variants in the order in which they are tried."""

    name: str
    variants: tuple[Variant, ...]


class StoredVariant(Protocol):
    """A variant as stored in the catalog."""

    @property
    def variant(self) -> str: ...
    @property
    def criterion(self) -> dict[str, Any] | None: ...


class StoredBlock(Protocol):
    """A block as stored in the catalog."""

    @property
    def block(self) -> str: ...
    @property
    def variants(self) -> tuple[StoredVariant, ...]: ...


def read_blocks(stored: Iterable[StoredBlock]) -> tuple[Block, ...]:
    """Read the blocks of a message; variants without a criterion, or with one that cannot be read, are omitted."""
    return tuple(Block(block.block, tuple(_variants(block.variants))) for block in stored)


def _variants(stored: Iterable[StoredVariant]) -> Iterable[Variant]:
    for variant in stored:
        if variant.criterion is None:
            continue
        try:
            yield Variant(variant.variant, parse(variant.criterion))
        except InvalidCriterion:
            continue  # written by a later release


def decide_content(blocks: Iterable[Block], is_true: Callable[[Criterion], bool]) -> dict[str, str]:
    """Return the chosen variant of each block. `is_true` returns False for a broken criterion."""
    return {
        block.name: next((one.name for one in block.variants if is_true(one.criterion)), FALLBACK) for block in blocks
    }
