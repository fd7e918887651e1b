"""Sections of a mail: the elements that can be shown to some contacts only, by their offsets in the HTML."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_SECTIONS = "table tr div p h1 h2 h3 h4 h5 h6 ul ol section article center blockquote figure hr img"
SECTION_TAGS = frozenset(_SECTIONS.split())
_WITHOUT_END = "area base br col embed hr img input link meta source track wbr"
_VOID = frozenset(_WITHOUT_END.split())
_WITHOUT_TEXT = frozenset({"script", "style", "title", "head", "template"})
_MARKER = "penchant:"
_BLOCK_ATTRIBUTE = "data-penchant-block"
_LONGEST_TEXT = 80  # characters


@dataclass(frozen=True, slots=True)
class Section:
    """An element of the HTML, and the beginning of its text.

    `start` is the offset of its start tag, `end` that after its end tag; `depth` is the number of its ancestors.
    """

    start: int
    end: int
    tag: str
    text: str
    depth: int = 0


@dataclass(slots=True)
class _OpenElement:
    tag: str
    start: int
    text: list[str] = field(default_factory=list)
    is_free: bool = True  # no block begins or ends in it, or contains it


class OffsetParser(HTMLParser):
    """A parser of HTML that knows the offset of what it handles."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self._lines = [0]
        for line in html.split("\n")[:-1]:
            self._lines.append(self._lines[-1] + len(line) + 1)

    @property
    def current_offset(self) -> int:
        """The offset in the HTML at which the current tag, text or comment begins."""
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def end_of_tag(self) -> int:
        """Return the offset in the HTML at which the current start tag ends."""
        return self.current_offset + len(self.get_starttag_text() or "")

    def read(self) -> None:
        """Parse all of the HTML."""
        self.feed(self.html)
        self.close()


class _Sections(OffsetParser):
    def __init__(self, html: str) -> None:
        super().__init__(html)
        self.sections: list[Section] = []
        self._open: list[_OpenElement] = []
        self._in_block = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = _OpenElement(tag, self.current_offset, is_free=not self._in_block)
        if any(name == _BLOCK_ATTRIBUTE for name, _ in attrs):
            element.is_free = False
            self._exclude_open_elements()
        if tag in _VOID:
            if tag == "img":
                text = next((value or "" for name, value in attrs if name == "alt"), "")
                element.text.append(text)
                self._add_text(text)
            self._close(element, self.end_of_tag())
            return
        self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not any(one.tag == tag for one in self._open):
            return
        while self._open:
            element = self._open.pop()
            if element.tag == tag:
                end = self.html.find(">", self.current_offset)
                if end >= 0:
                    self._close(element, end + 1)
                return

    def handle_data(self, data: str) -> None:
        if not any(one.tag in _WITHOUT_TEXT for one in self._open):
            self._add_text(data)

    def handle_comment(self, data: str) -> None:
        marker = data.strip()
        if not marker.lstrip("/").startswith(_MARKER):
            return
        self._exclude_open_elements()
        if marker.startswith(f"{_MARKER}block"):
            self._in_block += 1
        elif marker.startswith(f"/{_MARKER}block"):
            self._in_block = max(0, self._in_block - 1)

    def _exclude_open_elements(self) -> None:
        for element in self._open:
            element.is_free = False

    def _add_text(self, text: str) -> None:
        for element in self._open:
            if sum(map(len, element.text)) < _LONGEST_TEXT:
                element.text.append(text)

    def _close(self, element: _OpenElement, end: int) -> None:
        if element.tag in SECTION_TAGS and element.is_free:
            text = " ".join("".join(element.text).split())[:_LONGEST_TEXT]
            self.sections.append(Section(element.start, end, element.tag, text, len(self._open)))


def sections_of(html: str) -> list[Section]:
    """Return the sections that do not contain a block and are not in one, in the order of the HTML, outer ones
    first."""
    parser = _Sections(html)
    parser.read()
    return sorted(parser.sections, key=lambda section: (section.start, -section.end))


def with_places(html: str) -> str:
    """Return the HTML with the offset of each section in an attribute, so that a click identifies the section."""
    chunks, copied_to = [], 0
    for section in sections_of(html):
        after_name = section.start + 1 + len(section.tag)
        chunks += [html[copied_to:after_name], f' data-penchant-place="{section.start}"']
        copied_to = after_name
    return "".join([*chunks, html[copied_to:]])
