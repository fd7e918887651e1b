"""Finds the links of a message, in order."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from services.tracking.domain import markup, references
from services.tracking.domain.markup import Attribute, Comment, EndTag, StartTag, Text
from services.tracking.domain.places import Place
from services.tracking.domain.targets import Base, Reason, untrackable

LONGEST_TEXT = 500
# The only clickable elements in mail programs: links, areas of image maps, and Outlook's shapes.
_SHAPES = frozenset({"rect", "roundrect", "oval", "shape", "line", "polyline", "curve", "arc", "image", "group"})
_TEMPLATE_TAG = re.compile(r"\{[%{]|<%|%%|\[\[|\*\|")
# Conditions and loops of templates produce no text themselves.
_TEMPLATE_CONTROL = re.compile(
    r"\{%.{0,500}?%\}|\{\{\s*(?:[#/^!]|else\b|end\b).{0,500}?\}\}|<%(?!=).{0,500}?%>"
    r"|\*\|(?:IF|IFNOT|ELSEIF|ELSE|END|INTERESTED)\b[^|]{0,200}\|\*|%%\[.{0,500}?\]%%",
    re.DOTALL,
)
_MOST_OPEN = 32  # limit on unclosed links, so that reading is not quadratic
_MOST_TABLES = 100
_MOST_CONDITIONS = 5  # between start tags from which a template chooses one
_TABLE = -1
_INVISIBLE = dict.fromkeys(
    [0xAD, 0x34F, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF]
)
_BREAK_NAMES = """
address article aside blockquote br caption center dd details dialog dir div dl dt fieldset figcaption figure footer
form h1 h2 h3 h4 h5 h6 header hgroup hr legend li listing main menu nav ol optgroup option p pre search section summary
table tbody td tfoot th thead tr ul xmp
"""
_BREAKS = frozenset(_BREAK_NAMES.split())
_BREAKING_STYLE = re.compile(
    r"display\s*:\s*(?:block|table|list-item|flex|grid|inline-block|inline-table)", re.IGNORECASE
)
_INLINE = frozenset(["span", "b", "strong", "i", "em", "u", "font", "small", "big", "label", "mark", "abbr"])
_MOST_INLINE = 200
_CELLS = frozenset({"td", "th", "caption"})
_ROWS = frozenset({"tr", "tbody", "thead", "tfoot"})
_MARKERS = frozenset({"object", "applet", "marquee", "template"})  # elements that separate links like cells


@dataclass(frozen=True, slots=True)
class FoundLink:
    """An `href`: its place in the source, its URL, and the text of the link.

    `href` is the value as written, with its character references. Only Outlook shows `outlook` links.
    """

    place: Place
    url: str
    text: str
    reason: Reason | None
    href: str = ""
    outlook: bool = False

    @property
    def trackable(self) -> bool:
        """Whether clicks on the link can be tracked."""
        return self.reason is None


@dataclass(slots=True)
class _OpenLink:
    """A link whose end tag has not been read yet.

    `depth` counts nested elements with its name, `cell` is the cell in which it began. It has several `hrefs` if a
    template chooses one of them.
    """

    name: str
    hrefs: list[Attribute]
    comment: int
    label: str
    cell: int
    depth: int = 1
    texts: list[str] = field(default_factory=list)
    alternatives: list[str] = field(default_factory=list)

    def includes(self, comment: int) -> bool:
        """Return whether text in this conditional comment (0: outside) is part of the link."""
        # Text that only Outlook shows is not part of a visible link, but Outlook's own button may enclose visible text.
        return comment in (0, self.comment)

    def text(self) -> str:
        for texts in (self.texts, self.alternatives, [self.label]):
            if text := _visible_text(texts):
                return text[:LONGEST_TEXT]
        return ""

    def is_alternative(self) -> bool:
        """Return whether only a template's condition has followed, so that the next start tag is an alternative."""
        if len(self.texts) > _MOST_CONDITIONS:
            return False
        written = "".join(self.texts).strip()
        return bool(written) and not self.alternatives and not _visible_text(self.texts)


def _visible_text(texts: Iterable[str]) -> str:
    written = "".join(texts)
    if _TEMPLATE_TAG.search(written):
        written = _TEMPLATE_CONTROL.sub("", written)
    return " ".join(written.translate(_INVISIBLE).split())


class _Tables:
    """The stack of open tables and cells.

    A cell separates links in it from those around its table. Cells are numbered from 1, tables are `_TABLE`, and 0
    means outside of tables. An `object` and similar elements count as cells.
    """

    def __init__(self) -> None:
        self.open: list[int] = [0]
        self._cells = 0
        self._markers: list[tuple[str, int]] = []

    @property
    def cell(self) -> int:
        """The innermost cell."""
        return next(one for one in reversed(self.open) if one != _TABLE)

    def start(self, name: str) -> None:
        if name == "table" and len(self.open) < _MOST_TABLES:
            self.open.append(_TABLE)
        elif name in _CELLS or name in _ROWS:
            self._end_cell()
            if name in _CELLS and self.open[-1] == _TABLE:
                self._open_cell()
        elif name in _MARKERS and len(self.open) < _MOST_TABLES:
            self._open_cell()
            self._markers.append((name, self._cells))

    def end(self, name: str) -> None:
        if name in _CELLS or name in _ROWS:
            self._end_cell()
        elif name == "table" and _TABLE in self.open:
            self._end_cell()
            self.open.pop()
        elif name in _MARKERS:
            self._end_marker(name)

    def _open_cell(self) -> None:
        self._cells += 1
        self.open.append(self._cells)

    def _end_cell(self) -> None:
        while len(self.open) > 1 and self.open[-1] != _TABLE:
            self.open.pop()

    def _end_marker(self, name: str) -> None:
        self._markers = [marker for marker in self._markers if marker[1] in self.open]
        if self._markers and self._markers[-1][0] == name:
            _, cell = self._markers.pop()
            del self.open[self.open.index(cell) :]


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.links: list[_OpenLink] = []
        self.open: list[_OpenLink] = []
        self.base: str | None = None
        self.outlook_base: str | None = None
        self.inline: list[tuple[str, bool]] = []  # open elements, and whether their style breaks the line
        # Outlook's tables begin in one conditional comment and end in another, independently of the visible ones.
        self.tables = {False: _Tables(), True: _Tables()}

    def take(self, token: markup.Token) -> None:
        match token:
            case Text(raw=""):
                self._add_text(references.text(self.source[token.start : token.end]), token.comment)
            case EndTag():
                self._end(token)
            case StartTag():
                self._start(token)
            case Text() | Comment():
                pass

    def _start(self, tag: StartTag) -> None:
        tables = self.tables[tag.comment > 0]
        tables.start(tag.name)
        self._leave_cells(tag.comment > 0)
        if tag.name in _BREAKS or (self.open and self._start_inline(tag)):
            self._add_text(" ", tag.comment)
        if tag.name == "a":
            self._end_open_links(tables.cell)
        for link in self.open:
            if link.name == tag.name and not tag.self_closing:
                link.depth += 1
        attributes = tag.attributes
        if tag.name == "img":
            self._add_picture(tag, attributes)
        elif tag.name == "base":
            self._set_base(tag, attributes)
        elif hrefs := self._hrefs(tag):
            self._open(tag, attributes, hrefs)

    def _end(self, tag: EndTag) -> None:
        tables = self.tables[tag.comment > 0]
        self._close(tag.name, tables.cell)
        tables.end(tag.name)
        self._leave_cells(tag.comment > 0)
        if tag.name in _BREAKS or (self.open and self._end_inline(tag.name)):
            self._add_text(" ", tag.comment)

    def _end_open_links(self, cell: int) -> None:
        """End open links where another one begins: links do not nest, except in a table cell (HTML standard).

        If a template chooses between two start tags, both links have the text that follows.
        """
        self.open = [link for link in self.open if link.name != "a" or link.cell != cell or link.is_alternative()]

    def _start_inline(self, tag: StartTag) -> bool:
        """Open an inline element; return whether its style breaks the line."""
        if tag.name not in _INLINE:
            return False
        breaks = _BREAKING_STYLE.search(self._value(tag.attributes, "style")) is not None
        self.inline = [*self.inline[-_MOST_INLINE + 1 :], (tag.name, breaks)]
        return breaks

    def _end_inline(self, name: str) -> bool:
        """Close an inline element; return whether its style broke the line."""
        if name not in _INLINE or all(opened != name for opened, _ in self.inline):
            return False
        while self.inline[-1][0] != name:
            self.inline.pop()
        return self.inline.pop()[1]

    def _hrefs(self, tag: StartTag) -> list[Attribute]:
        """Return the URLs of a clickable tag; several only if a template chooses between them."""
        prefix, _, local = tag.name.rpartition(":")
        if tag.name not in ("a", "area") and not (prefix and local in _SHAPES):
            return []
        hrefs = [attribute for attribute in tag.written if attribute.name == "href"]
        hrefs = hrefs or [attribute for attribute in tag.written if attribute.name == "xlink:href"]
        if len(hrefs) > 1:
            between = self.source[tag.start : hrefs[0].name_start] + self.source[hrefs[0].end : hrefs[1].name_start]
            return hrefs if _TEMPLATE_TAG.search(between) else hrefs[:1]
        return hrefs

    def _open(self, tag: StartTag, attributes: Mapping[str, Attribute], hrefs: list[Attribute]) -> None:
        candidates = (self._value(attributes, name).strip() for name in ("aria-label", "alt", "title"))
        label = next((one for one in candidates if one), "")
        link = _OpenLink(tag.name, hrefs, tag.comment, label, self.tables[tag.comment > 0].cell)
        self.links.append(link)
        # Only XML elements (Outlook's VML) are closed by a slash.
        if tag.name != "area" and not (tag.self_closing and ":" in tag.name):
            self.inline = self.inline if self.open else []
            self.open = [*self.open[-_MOST_OPEN + 1 :], link]

    def _close(self, name: str, cell: int) -> None:
        for link in self.open:
            if link.name == name and (name != "a" or link.cell == cell):
                link.depth = 0 if name == "a" else link.depth - 1
        self.open = [link for link in self.open if link.depth > 0]

    def _leave_cells(self, outlook: bool) -> None:
        """End the links that began in a cell at the end of the cell."""
        if self.open:
            cells = self.tables[outlook].open
            self.open = [link for link in self.open if (link.comment > 0) != outlook or link.cell in cells]

    def _set_base(self, tag: StartTag, attributes: Mapping[str, Attribute]) -> None:
        if "href" not in attributes:
            return
        href = self._value(attributes, "href")
        if self.outlook_base is None:
            self.outlook_base = href  # Outlook reads both attributes, and the first one counts
        if not tag.comment and self.base is None:
            self.base = href

    def _add_text(self, text: str, comment: int) -> None:
        for link in self.open:
            if link.includes(comment):
                link.texts.append(text)

    def _add_picture(self, tag: StartTag, attributes: Mapping[str, Attribute]) -> None:
        alternative = self._value(attributes, "alt")
        for link in self.open:
            if link.includes(tag.comment):
                link.alternatives.append(f" {alternative}")

    def _value(self, attributes: Mapping[str, Attribute], name: str) -> str:
        attribute = attributes.get(name)
        return references.attribute_text(self.source[attribute.start : attribute.end]) if attribute else ""


def find_links(source: str, own_urls: Iterable[str] = ()) -> list[FoundLink]:
    """Return every clickable `href`, in the order of the source, also in Outlook's conditional comments.

    `own_urls` are the prefixes of our own tracked links, which are never tracked again.
    """
    reader = _Reader(source)
    for token in markup.read(source):
        reader.take(token)
    visible = Base.of(reader.base)
    outlook = Base.of(reader.outlook_base)
    convert = partial(_found_link, source=source, own_urls=tuple(own_urls))
    links = [
        convert(link, href, base=outlook if link.comment else visible) for link in reader.links for href in link.hrefs
    ]
    return sorted(links, key=lambda link: link.place.start)


def _found_link(link: _OpenLink, href: Attribute, *, source: str, own_urls: tuple[str, ...], base: Base) -> FoundLink:
    written = source[href.start : href.end]
    url = base.resolve(references.attribute_text(written))
    text = link.text()
    reason = untrackable(url, text, own_urls)
    place = Place(href.start, href.end, href.quoted)
    if reason == "too_long":
        url = url[:200] + "…"  # a longer URL is never tracked, because a message must fit into one event
    return FoundLink(place, url, text, reason, written, link.comment > 0)
