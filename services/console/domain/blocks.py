"""Edits blocks of a mail: sections with variants, and the content of each.

The markers are comments, as tracking reads them. Functions take the HTML and return the changed HTML.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape

from services.console.domain.sections import PlacedParser, Section

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_ATTRIBUTES: Mapping[str, Mapping[str, str]] = {"a": {"href": "link"}, "img": {"src": "picture", "alt": "alt"}}
_VALUE = r"""\s{name}\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"""
_MARKER = re.compile(r"<!--\s*(/?)penchant:(block|variant|fallback)\s*([A-Za-z0-9_-]*)\s*-->")


@dataclass(frozen=True, slots=True)
class Part:
    """The HTML of a block from `start` to `end` that is shown for `variant`; "" is the fallback."""

    variant: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class MarkedBlock:
    """A block in the HTML: its place, markers included, and its parts in the order of the HTML."""

    name: str
    start: int
    end: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class EditablePiece:
    """An editable piece of a part: a text, the URL of a link, a picture, or its text."""

    kind: str  # text, link, picture, alt
    start: int
    end: int
    value: str


def block_of(html: str, name: str) -> MarkedBlock | None:
    """Return the block of this name that is marked by comments, or None."""
    start: int | None = None
    parts: list[Part] = []
    open_part: tuple[str, int] | None = None
    for found in _MARKER.finditer(html):
        closing, word, text = found.groups()
        if word == "block" and not closing:
            start = found.start() if text == name else None
            parts, open_part = [], None
            continue
        if start is None:
            continue
        if open_part is not None:
            parts.append(Part(open_part[0], open_part[1], found.start()))
        if word == "block":
            return MarkedBlock(name, start, found.end(), tuple(parts))
        open_part = ("" if word == "fallback" else text, found.end())
    return None


def wrapped(html: str, section: Section, name: str, variants: Sequence[str]) -> str:
    """Return the HTML with a section as a block, with the same content in each variant and in the fallback."""
    content = html[section.start : section.end]
    parts = [(variant, content) for variant in variants] + [("", content)]
    return html[: section.start] + _written(name, parts) + html[section.end :]


def unwrapped(html: str, name: str) -> str:
    """Return the HTML with the block replaced by its fallback."""
    block = _required(html, name)
    fallback = "".join(html[part.start : part.end] for part in block.parts if not part.variant)
    return html[: block.start] + fallback + html[block.end :]


def with_variant(html: str, name: str, variant: str) -> str:
    """Return the HTML with a further variant, a copy of the fallback."""
    parts = _contents(html, name)
    fallback = next((content for other, content in parts if not other), "")
    return _with_parts(html, name, [*[one for one in parts if one[0]], (variant, fallback), ("", fallback)])


def without_variant(html: str, name: str, variant: str) -> str:
    """Return the HTML without a variant."""
    return _with_parts(html, name, [one for one in _contents(html, name) if one[0] != variant])


def pieces_of(html: str, part: Part) -> list[EditablePiece]:
    """Return the editable pieces of a part, in order."""
    parser = _Pieces(html[part.start : part.end])
    parser.read()
    moved = [EditablePiece(one.kind, one.start + part.start, one.end + part.start, one.value) for one in parser.found]
    return sorted(moved, key=lambda one: one.start)


def with_pieces(html: str, pieces: Mapping[EditablePiece, str]) -> str:
    """Return the HTML with these pieces replaced."""
    for piece, value in sorted(pieces.items(), key=lambda one: -one[0].start):
        if value != piece.value:
            written = escape(value, quote=piece.kind != "text")
            if piece.kind != "text" and html[piece.start - 1] not in "\"'":
                written = f'"{written}"'
            html = html[: piece.start] + written + html[piece.end :]
    return html


def _contents(html: str, name: str) -> list[tuple[str, str]]:
    return [(part.variant, html[part.start : part.end]) for part in _required(html, name).parts]


def _with_parts(html: str, name: str, parts: Sequence[tuple[str, str]]) -> str:
    block = _required(html, name)
    return html[: block.start] + _written(name, parts) + html[block.end :]


def _written(name: str, parts: Sequence[tuple[str, str]]) -> str:
    marked = [
        (f"<!-- penchant:variant {variant} -->" if variant else "<!-- penchant:fallback -->") + content
        for variant, content in parts
    ]
    return f"<!-- penchant:block {name} -->{''.join(marked)}<!-- /penchant:block -->"


def _required(html: str, name: str) -> MarkedBlock:
    block = block_of(html, name)
    if block is None:
        raise ValueError(f"no block {name}")
    return block


class _Pieces(PlacedParser):
    def __init__(self, html: str) -> None:
        super().__init__(html)
        self.convert_charrefs = False
        self.found: list[EditablePiece] = []
        self._silent = False
        self._text_start: int | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._end_text()
        self._silent = tag in ("style", "script")
        source = self.get_starttag_text() or ""
        for name, kind in _ATTRIBUTES.get(tag, {}).items():
            match = re.search(_VALUE.format(name=name), source, re.IGNORECASE)
            if match is not None and match.lastindex is not None:
                start, end = match.span(match.lastindex)
                self.found.append(
                    EditablePiece(kind, self.place + start, self.place + end, unescape(match[match.lastindex]))
                )

    def handle_endtag(self, tag: str) -> None:
        self._end_text()
        self._silent = False

    def handle_comment(self, data: str) -> None:
        self._end_text()

    def handle_data(self, data: str) -> None:
        self._begin_text()

    def handle_entityref(self, name: str) -> None:
        self._begin_text()

    def handle_charref(self, name: str) -> None:
        self._begin_text()

    def read(self) -> None:
        super().read()
        if self._text_start is not None:
            self._add_text(self._text_start, len(self.html))

    def _begin_text(self) -> None:
        if self._text_start is None and not self._silent:
            self._text_start = self.place

    def _end_text(self) -> None:
        if self._text_start is not None:
            self._add_text(self._text_start, self.place)
            self._text_start = None

    def _add_text(self, start: int, end: int) -> None:
        written = self.html[start:end]
        text = written.strip()
        if text:
            start += len(written) - len(written.lstrip())
            self.found.append(EditablePiece("text", start, start + len(text), unescape(text)))
