"""Finds the blocks of a message, with exact places: named parts whose content depends on the contact.

A block is marked by comments, or, for editors that drop comments, by attributes on elements:

    <!-- penchant:block hero --><!-- penchant:variant dogs -->…<!-- penchant:fallback -->…<!-- /penchant:block -->
    <tr data-penchant-block="hero" data-penchant-variant="dogs">…</tr>
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from uuid import UUID

from services.tracking.domain import markup
from services.tracking.domain.markup import Attribute, Comment, EndTag, StartTag
from services.tracking.domain.references import attribute_text

SUBJECT = "subject"  # the block of the subject's variants; blocks in the HTML must not have this name
MOST_BLOCKS = 50
MOST_VARIANTS = 50
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_MARKER = re.compile(r"\s*(/?)\s*penchant:\s*(\S*)\s*(.*?)\s*", re.DOTALL)
_TAKES_NAME = {
    ("", "block"): True,
    ("", "variant"): True,
    ("", "fallback"): False,
    ("/", "block"): False,
}  # whether a marker (slash, kind) takes a name
_NAME_RULE = "at most 64 letters, digits, - and _"
_BLOCK, _VARIANT = "data-penchant-block", "data-penchant-variant"
_VOID_NAMES = "area base br col embed hr img input link meta source track wbr"
_VOID = frozenset(_VOID_NAMES.split())


class Part(NamedTuple):
    """The part of a block that is shown if `variant` is chosen; "" is the fallback."""

    variant: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class MarkedBlock:
    """A block and its parts, in the order of the HTML. `links` are the ids of the links in any of them."""

    name: str
    parts: tuple[Part, ...]
    links: tuple[UUID, ...] = ()

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants, without the fallback, in the order in which they first occur."""
        return tuple(dict.fromkeys(part.variant for part in self.parts if part.variant))

    @property
    def fallback(self) -> bool:
        """Whether there is a fallback, even an empty one."""
        return any(not part.variant for part in self.parts)

    def contains(self, position: int) -> bool:
        """Return whether `position` is within a part of the block."""
        return any(part.start <= position < part.end for part in self.parts)


@dataclass(frozen=True, slots=True)
class Layout:
    """The blocks of a message. `cuts` are the places of the markers, which are never sent."""

    blocks: tuple[MarkedBlock, ...] = ()
    cuts: tuple[tuple[int, int], ...] = ()

    def with_links(self, places: Sequence[tuple[int, UUID]]) -> "Layout":
        """Return the layout with the links of each block, given the place of each link of the message."""
        blocks = tuple(
            replace(block, links=tuple(dict.fromkeys(link for start, link in places if block.contains(start))))
            for block in self.blocks
        )
        return replace(self, blocks=blocks)

    def hidden(self, content: Mapping[str, str]) -> list[tuple[int, int]]:
        """Return the places that are omitted for a contact with this content (variant by block), in order."""
        places = list(self.cuts)
        for block in self.blocks:
            chosen = content.get(block.name, "")
            places += [(part.start, part.end) for part in block.parts if part.variant != chosen]
        return sorted(places)


class BlockFault(NamedTuple):
    """A fault of a marker; line and column count from 1."""

    line: int
    column: int
    detail: str


class InvalidBlocks(Exception):
    """The markers of blocks are not valid."""

    def __init__(self, faults: Sequence[BlockFault]) -> None:
        super().__init__("the markers of blocks are not valid")
        self.faults = faults


@dataclass(slots=True)
class _OpenBlock:
    """A block that began with a comment; `variant` is None until the first marker of a variant."""

    name: str
    start: int
    variant: str | None = None
    part_start: int = 0
    parts: list[Part] = field(default_factory=list)


@dataclass(slots=True)
class _OpenElement:
    """An element that is a part of a block, until its end tag."""

    block: str
    variant: str
    tag: StartTag
    depth: int = 1


class _Finder:
    def __init__(self, source: str) -> None:
        self.source = source
        self.cuts: list[tuple[int, int]] = []
        self.faults: list[BlockFault] = []
        self.marked: dict[str, list[Part]] = {}  # marked by comments
        self.elements: dict[str, list[Part]] = {}  # marked by attributes
        self.block: _OpenBlock | None = None
        self.element: _OpenElement | None = None

    def take(self, token: markup.Token) -> None:
        match token:
            case Comment():
                self._comment(token)
            case StartTag():
                self._start(token)
            case EndTag() if self.element is not None and token.name == self.element.tag.name:
                self.element.depth -= 1
                if self.element.depth == 0:
                    self._end_element(token.end)
            case _:
                pass

    def finish(self) -> Layout:
        if self.block is not None:
            self._fault(self.block.start, f"block {self.block.name} is never closed")
        if self.element is not None:
            self._fault(self.element.tag.start, f"the element of block {self.element.block} has no end tag")
        blocks = [MarkedBlock(name, tuple(parts)) for name, parts in (self.marked | self.elements).items()]
        if len(blocks) > MOST_BLOCKS:
            self._fault(0, f"a message can have at most {MOST_BLOCKS} blocks")
        for block in blocks:
            if len(block.variants) > MOST_VARIANTS:
                self._fault(block.parts[0].start, f"a block can have at most {MOST_VARIANTS} variants")
        if self.faults:
            raise InvalidBlocks(self.faults)
        return Layout(tuple(sorted(blocks, key=lambda block: block.parts[0].start)), tuple(sorted(self.cuts)))

    def _comment(self, token: Comment) -> None:
        marker = _MARKER.fullmatch(self.source, token.content_start, token.content_end)
        if marker is None:
            return
        slash, kind, name = marker.groups()
        takes_name = _TAKES_NAME.get((slash, kind))
        if takes_name is None:
            self._fault(token.start, f"there is no marker {slash}penchant:{kind[:40]}")
        elif takes_name and not NAME.fullmatch(name):
            self._fault(token.start, f"penchant:{kind} needs a name of {_NAME_RULE}")
        elif not takes_name and slash == "" and name:
            self._fault(token.start, "penchant:fallback must not have a name")
        elif kind == "block" and not slash:
            self._begin_block(token, name)
        elif self.block is None:
            self._fault(token.start, f"{slash}penchant:{kind} is not inside a block")
        else:
            self._continue_block(self.block, token, slash, name if kind == "variant" else "")

    def _begin_block(self, token: Comment, name: str) -> None:
        outer = self.block.name if self.block else self.element.block if self.element else None
        if outer is not None:
            self._fault(token.start, f"block {name} begins within block {outer}; blocks cannot be nested")
            return
        if name in self.marked or name in self.elements:
            self._fault(token.start, f"there is more than one block {name}")
        elif name == SUBJECT:
            self._fault(token.start, "the name subject is reserved for the variants of the subject")
        self.block = _OpenBlock(name, token.start)

    def _continue_block(self, block: _OpenBlock, token: Comment, slash: str, variant: str) -> None:
        if block.variant is None:
            if slash:
                self._fault(token.start, f"block {block.name} has no variant")
            elif self.source[self.source.index("-->", block.start) + 3 : token.start].strip():
                self._fault(block.start, f"block {block.name} has content before its first variant")
            self.cuts.append((block.start, token.end))
        else:
            block.parts.append(Part(block.variant, block.part_start, token.start))
            self.cuts.append((token.start, token.end))
        if slash:
            self.marked[block.name] = block.parts
            self.block = None
            return
        if variant in {part.variant for part in block.parts}:
            duplicate = f"variant {variant}" if variant else "fallback"
            self._fault(token.start, f"block {block.name} has more than one {duplicate}")
        elif block.variant == "":
            self._fault(token.start, f"the fallback of block {block.name} is not the last of its variants")
        block.variant, block.part_start = variant, token.end

    def _start(self, tag: StartTag) -> None:
        if self.element is not None and tag.name == self.element.tag.name and not self._is_empty(tag):
            self.element.depth += 1
        attributes = tag.attributes
        if _BLOCK not in attributes:
            if _VARIANT in attributes:
                self._fault(tag.start, f"{_VARIANT} is used on an element without {_BLOCK}")
            return
        name = self._value(attributes[_BLOCK])
        variant = self._value(attributes[_VARIANT]) if _VARIANT in attributes else None
        if self._has_fault(tag, name, variant):
            return
        for attribute in (attributes[_BLOCK], attributes[_VARIANT]):
            start = len(self.source[: attribute.name_start].rstrip())
            self.cuts.append((start, attribute.whole_end))
        self.element = _OpenElement(name, variant or "", tag)
        if self._is_empty(tag):
            self._end_element(tag.end)

    def _has_fault(self, tag: StartTag, name: str, variant: str | None) -> bool:
        outer = self.block.name if self.block else self.element.block if self.element else None
        detail = ""
        if outer is not None:
            detail = f"block {name[:64]} begins within block {outer}; blocks cannot be nested (is an end tag missing?)"
        elif not NAME.fullmatch(name):
            detail = f"{_BLOCK} needs a name of {_NAME_RULE}"
        elif variant is None:
            detail = f"{_BLOCK} needs {_VARIANT} on the same element; an empty value marks the fallback"
        elif variant and not NAME.fullmatch(variant):
            detail = f"{_VARIANT} needs a name of {_NAME_RULE}"
        elif name in self.marked:
            detail = f"there is more than one block {name}"
        elif name == SUBJECT:
            detail = "the name subject is reserved for the variants of the subject"
        if detail:
            self._fault(tag.start, detail)
        return bool(detail)

    def _end_element(self, end: int) -> None:
        element, self.element = self.element, None
        assert element is not None
        self.elements.setdefault(element.block, []).append(Part(element.variant, element.tag.start, end))

    def _is_empty(self, tag: StartTag) -> bool:
        return tag.name in _VOID or (tag.self_closing and ":" in tag.name)

    def _value(self, attribute: Attribute) -> str:
        return attribute_text(self.source[attribute.start : attribute.end]).strip()

    def _fault(self, position: int, detail: str) -> None:
        if len(self.faults) < 100:
            line = self.source.count("\n", 0, position) + 1
            column = position - self.source.rfind("\n", 0, position)
            self.faults.append(BlockFault(line, column, detail))


def find_blocks(source: str) -> Layout:
    """Return the blocks of `source`. Raises InvalidBlocks for markers that do not fit together."""
    if "penchant" not in source:
        return Layout()
    finder = _Finder(source)
    for token in markup.read(source):
        finder.take(token)
    return finder.finish()
