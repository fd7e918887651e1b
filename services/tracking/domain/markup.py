"""Reads e-mail markup as mail programs do, with the exact place of everything in the source.

A parser that builds a tree would lose the offsets and rewrite markup that it does not understand, but the tracked
message must equal the original byte for byte. So this follows the tokenizer of the HTML standard, and also reads
Outlook's conditional comments, which other programs treat as comments.
"""

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute: the place of its name, and the place of its value without the quotes."""

    name: str
    name_start: int
    start: int
    end: int
    quoted: bool

    @property
    def whole_end(self) -> int:
        """The end of the attribute, including its closing quote."""
        return self.end + 1 if self.quoted else self.end


@dataclass(frozen=True, slots=True)
class StartTag:
    """A start tag. `comment` is the number of its conditional comment; 0 is the visible message."""

    name: str
    start: int
    end: int
    written: Sequence[Attribute] = field(repr=False)
    self_closing: bool
    comment: int

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """The attributes by name; if a name is repeated, only the first one counts."""
        return {attribute.name: attribute for attribute in reversed(self.written)}


@dataclass(frozen=True, slots=True)
class EndTag:
    """An end tag."""

    name: str
    start: int
    end: int
    comment: int


@dataclass(frozen=True, slots=True)
class Text:
    """Text between tags. `raw` names the element, such as `style`, in which it is not markup."""

    start: int
    end: int
    comment: int
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """An ordinary comment, with the place of its content; not one of Outlook's, whose content is read instead."""

    start: int
    end: int
    content_start: int
    content_end: int
    comment: int


Token = StartTag | EndTag | Text | Comment

_TAG = re.compile(r"</?([A-Za-z][^\s/>\x00]*)")
_ATTRIBUTE_NAME = re.compile(r"[ \t\n\f\r/]*(=?[^ \t\n\f\r/>=]+|=)")
_EQUALS = re.compile(r"[ \t\n\f\r]*=[ \t\n\f\r]*")
_UNQUOTED = re.compile(r"[^ \t\n\f\r>]*")
_TAG_END = re.compile(r"[ \t\n\f\r/]*>")
_COMMENT_END = re.compile(r"--!?>")
_CONDITION = re.compile(r"\s*\[if\b[^\]]*\]>", re.IGNORECASE)
# A template's tag among the attributes, as in <a {% if x %}href="…"; a ">" in it does not end the start tag.
_TEMPLATE_TAG = re.compile(
    r"[ \t\n\f\r/]*"
    r"(?:\{%.{0,500}?%\}|\{\{.{0,500}?\}\}|<%.{0,500}?%>|\*\|.{0,500}?\|\*|%%.{0,500}?%%|\[\[.{0,500}?\]\])",
    re.DOTALL,
)
_TEMPLATE_TAG_END = re.compile(r".*(?:[%#}]\}|%%|\]\]|\*\|)", re.DOTALL)
# Elements whose content is not markup (the standard's raw text and escapable raw text).
_RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
_FOREIGN = frozenset({"svg", "math"})
_BACK_TO_HTML = frozenset({"foreignobject", "desc", "title", "annotation-xml", "mi", "mo", "mn", "ms", "mtext"})
_BREAKOUT_NAMES = """
b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta nobr ol
p pre ruby s small span strong strike sub sup table tt u ul var
"""
_BREAKOUTS = frozenset(_BREAKOUT_NAMES.split())  # HTML elements that end an unclosed svg


class _State:
    """The tokenizer's state apart from its position: the number of comments, and the open foreign elements."""

    def __init__(self) -> None:
        self.comments = 0
        self.foreign: list[str] = []

    def is_foreign(self) -> bool:
        """Return whether the innermost open element follows the rules of XML."""
        return bool(self.foreign) and self.foreign[-1] in _FOREIGN

    def break_out(self, name: str) -> None:
        """End the foreign elements if `name` is not allowed in them."""
        while name in _BREAKOUTS and self.is_foreign():
            self.foreign.pop()

    def opened(self, name: str, self_closing: bool) -> None:
        returns_to_html = name in _BACK_TO_HTML and self.is_foreign()
        if (name in _FOREIGN or returns_to_html) and not self_closing and len(self.foreign) < 100:
            self.foreign.append(name)

    def closed(self, name: str) -> None:
        if name in self.foreign:
            while self.foreign.pop() != name:
                pass


def read(source: str) -> Iterator[Token]:
    """Yield the tags, texts and comments of `source` in order, also those within Outlook's conditional comments.

    Any input is read to its end.
    """
    return _read(source, 0, len(source), 0, _State())


def _read(source: str, position: int, end: int, comment: int, state: _State) -> Iterator[Token]:
    text_from = position
    while (opening := source.find("<", position, end)) >= 0:
        tag = _TAG.match(source, opening, end)
        if tag is None and source[opening + 1 : opening + 2] not in ("!", "?", "/"):
            position = opening + 1  # a "<" that opens nothing is text
            continue
        if text_from < opening:
            yield Text(text_from, opening, comment)
        if tag is None:
            position = yield from _comment(source, opening, end, comment, state)
        else:
            position = yield from _tag(source, tag, end, comment, state)
        text_from = position
    if text_from < end:
        yield Text(text_from, end, comment)


def _tag(source: str, tag: re.Match[str], end: int, comment: int, state: _State) -> Generator[Token, None, int]:
    name = tag.group(1).lower()
    attributes, position = _attributes(source, tag.end(), end)
    if position < 0:
        return end  # the source ends within the tag, so there is no tag
    if tag.group().startswith("</"):
        state.closed(name)
        yield EndTag(name, tag.start(), position, comment)
        return position
    self_closing = source[position - 2] == "/" and not (attributes and attributes[-1].end == position - 1)
    yield StartTag(name, tag.start(), position, attributes, self_closing, comment)
    state.break_out(name)
    if name in _RAW and not state.is_foreign():
        closing = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(source, position, end)
        after = closing.start() if closing else end
        if position < after:
            yield Text(position, after, comment, name)
        return after
    state.opened(name, self_closing)
    return position


def _attributes(source: str, position: int, end: int) -> tuple[list[Attribute], int]:
    """Return the attributes from `position` on, and the end of the tag (-1 if it has none)."""
    attributes: list[Attribute] = []
    while True:
        if closing := _TAG_END.match(source, position, end):
            return attributes, closing.end()
        if template := _TEMPLATE_TAG.match(source, position, end):
            position = template.end()
            continue
        named = _ATTRIBUTE_NAME.match(source, position, end)
        if named is None:
            return attributes, -1
        name, name_start, position = named.group(1).lower(), named.start(1), named.end()
        # A template's tag may directly precede the name: {% if x %}href="…".
        if preceding := _TEMPLATE_TAG_END.match(name):
            name, name_start = name[preceding.end() :] or name, name_start + preceding.end()
        start, after, quoted = position, position, False
        if equals := _EQUALS.match(source, position, end):
            start, after, quoted = _value(source, equals.end(), end)
            if after < 0:
                return attributes, -1
            position = after + 1 if quoted else after
        attributes.append(Attribute(name, name_start, start, after, quoted))


def _value(source: str, position: int, end: int) -> tuple[int, int, bool]:
    quote = source[position : position + 1]
    if quote and quote in "\"'":
        return position + 1, source.find(quote, position + 1, end), True
    unquoted = _UNQUOTED.match(source, position, end)
    return position, unquoted.end() if unquoted else position, False


def _comment(source: str, opening: int, end: int, comment: int, state: _State) -> Generator[Token, None, int]:
    """Read a comment, which begins with "<!", "<?" or "</". Only Outlook's conditional comments have content to
    read."""
    if state.is_foreign() and source.startswith("<![CDATA[", opening, end):
        closing = source.find("]]>", opening, end)
        after = closing + 3 if closing >= 0 else end
        yield Text(opening, after, comment, "cdata")
        return after
    if not source.startswith("<!--", opening, end):
        closing = source.find(">", opening, end)
        return closing + 1 if closing >= 0 else end
    content = opening + 4
    if source.startswith((">", "->"), content, end):
        return source.index(">", content) + 1
    ending = _COMMENT_END.search(source, content, end)
    content_end, position = ending.span() if ending else (end, end)
    condition = _CONDITION.match(source, content, content_end)
    if condition and ending:
        state.comments += 1
        yield from _read(source, condition.end(), content_end, state.comments, state)
    else:
        yield Comment(opening, position, content, content_end, comment)
    return position
