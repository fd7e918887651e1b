"""Edits blocks of a mail: sections with variants, and the content of each.

The markers are comments, as tracking reads them. Functions take the HTML and return the changed HTML.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape

from services.console.domain.sections import OffsetParser, Section

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_ATTRIBUTES: Mapping[str, Mapping[str, str]] = {"a": {"href": "link"}, "img": {"src": "picture", "alt": "alt"}}
_ATTRIBUTE_VALUE = r"""\s{name}\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"""
_MARKER = re.compile(r"<!--\s*(/?)penchant:(block|variant|fallback)\s*([A-Za-z0-9_-]*)\s*-->")


@dataclass(frozen=True, slots=True)
class Part:
    """The HTML of a block from offset `start` to `end` that is shown for `variant`; "" is the fallback."""

    variant: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class MarkedBlock:
    """A block in the HTML: its offsets, markers included, and its parts in the order of the HTML."""

    name: str
    start: int
    end: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class EditablePiece:
    """An editable piece of a part: a text, the URL of a link, the URL of a picture, or its alternative text.

    `start` and `end` are its offsets in the HTML, `value` is its text without escapes.
    """

    kind: str  # text, link, picture, alt
    start: int
    end: int
    value: str


def block_of(html: str, name: str) -> MarkedBlock | None:
    """Return the block of this name that is marked by comments, or None."""
    start: int | None = None
    parts: list[Part] = []
    open_part: tuple[str, int] | None = None
    for match in _MARKER.finditer(html):
        closing, kind, marked_name = match.groups()
        if kind == "block" and not closing:
            start = match.start() if marked_name == name else None
            parts, open_part = [], None
            continue
        if start is None:
            continue
        if open_part is not None:
            parts.append(Part(open_part[0], open_part[1], match.start()))
        if kind == "block":
            return MarkedBlock(name, start, match.end(), tuple(parts))
        open_part = ("" if kind == "fallback" else marked_name, match.end())
    return None


def wrapped(html: str, section: Section, name: str, variants: Sequence[str]) -> str:
    """Return the HTML with a section as a block, with the same content in each variant and in the fallback."""
    content = html[section.start : section.end]
    parts = [(variant, content) for variant in variants] + [("", content)]
    return html[: section.start] + _block_html(name, parts) + html[section.end :]


def unwrapped(html: str, name: str) -> str:
    """Return the HTML with the block replaced by its fallback. Raises ValueError if there is no such block."""
    block = _existing_block(html, name)
    fallback = "".join(html[part.start : part.end] for part in block.parts if not part.variant)
    return html[: block.start] + fallback + html[block.end :]


def with_variant(html: str, name: str, variant: str) -> str:
    """Return the HTML with a further variant, a copy of the fallback. Raises ValueError if there is no such block."""
    parts = _contents(html, name)
    fallback = next((content for existing, content in parts if not existing), "")
    return _with_parts(html, name, [*[part for part in parts if part[0]], (variant, fallback), ("", fallback)])


def without_variant(html: str, name: str, variant: str) -> str:
    """Return the HTML without a variant. Raises ValueError if there is no such block."""
    return _with_parts(html, name, [part for part in _contents(html, name) if part[0] != variant])


def pieces_of(html: str, part: Part) -> list[EditablePiece]:
    """Return the editable pieces of a part, in the order of the HTML."""
    parser = _Pieces(html[part.start : part.end])
    parser.read()
    pieces = [
        EditablePiece(piece.kind, piece.start + part.start, piece.end + part.start, piece.value)
        for piece in parser.pieces
    ]
    return sorted(pieces, key=lambda piece: piece.start)


def with_pieces(html: str, pieces: Mapping[EditablePiece, str]) -> str:
    """Return the HTML with the texts of `pieces` replaced by their new, unescaped texts."""
    for piece, value in sorted(pieces.items(), key=lambda one: -one[0].start):
        if value != piece.value:
            escaped = escape(value, quote=piece.kind != "text")
            if piece.kind != "text" and html[piece.start - 1] not in "\"'":
                escaped = f'"{escaped}"'
            html = html[: piece.start] + escaped + html[piece.end :]
    return html


def _contents(html: str, name: str) -> list[tuple[str, str]]:
    return [(part.variant, html[part.start : part.end]) for part in _existing_block(html, name).parts]


def _with_parts(html: str, name: str, parts: Sequence[tuple[str, str]]) -> str:
    block = _existing_block(html, name)
    return html[: block.start] + _block_html(name, parts) + html[block.end :]


def _block_html(name: str, parts: Sequence[tuple[str, str]]) -> str:
    marked = [
        (f"<!-- penchant:variant {variant} -->" if variant else "<!-- penchant:fallback -->") + content
        for variant, content in parts
    ]
    return f"<!-- penchant:block {name} -->{''.join(marked)}<!-- /penchant:block -->"


def _existing_block(html: str, name: str) -> MarkedBlock:
    block = block_of(html, name)
    if block is None:
        raise ValueError(f"no block {name}")
    return block


class _Pieces(OffsetParser):
    def __init__(self, html: str) -> None:
        super().__init__(html)
        self.convert_charrefs = False
        self.pieces: list[EditablePiece] = []
        self._ignores_text = False
        self._text_start: int | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._end_text()
        self._ignores_text = tag in ("style", "script")
        source = self.get_starttag_text() or ""
        for name, kind in _ATTRIBUTES.get(tag, {}).items():
            match = re.search(_ATTRIBUTE_VALUE.format(name=name), source, re.IGNORECASE)
            if match is not None and match.lastindex is not None:
                start, end = match.span(match.lastindex)
                self.pieces.append(
                    EditablePiece(
                        kind, self.current_offset + start, self.current_offset + end, unescape(match[match.lastindex])
                    )
                )

    def handle_endtag(self, tag: str) -> None:
        self._end_text()
        self._ignores_text = False

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
        if self._text_start is None and not self._ignores_text:
            self._text_start = self.current_offset

    def _end_text(self) -> None:
        if self._text_start is not None:
            self._add_text(self._text_start, self.current_offset)
            self._text_start = None

    def _add_text(self, start: int, end: int) -> None:
        source = self.html[start:end]
        text = source.strip()
        if text:
            start += len(source) - len(source.lstrip())
            self.pieces.append(EditablePiece("text", start, start + len(text), unescape(text)))
