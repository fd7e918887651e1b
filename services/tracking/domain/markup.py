"""Reading e-mail markup as mail programs do, with the exact place of everything in the source.

A tree builder would lose the offsets and rewrite what it does not understand; the tracked message has to be the
original byte for byte. So this follows the tokenizer of the HTML standard, and goes into Outlook's conditional
comments, which every other program takes for comments.
"""

import html
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from html.entities import html5

SPACE = " \t\n\f\r"


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute's value: where it stands in the source, without its quotes."""

    start: int
    end: int
    quoted: bool


@dataclass(frozen=True, slots=True)
class StartTag:
    """`comment` counts the conditional comment that it stands in; 0 is the visible message."""

    name: str
    attributes: dict[str, Attribute] = field(repr=False)
    self_closing: bool
    comment: int


@dataclass(frozen=True, slots=True)
class EndTag:
    name: str
    comment: int


@dataclass(frozen=True, slots=True)
class Text:
    start: int
    end: int
    comment: int


Token = StartTag | EndTag | Text

_TAG = re.compile(r"</?([A-Za-z][^\s/>\x00]*)")
_ATTRIBUTE_NAME = re.compile(r"[ \t\n\f\r/]*(=?[^ \t\n\f\r/>=]+|=)")
_EQUALS = re.compile(r"[ \t\n\f\r]*=[ \t\n\f\r]*")
_UNQUOTED = re.compile(r"[^ \t\n\f\r>]*")
_TAG_END = re.compile(r"[ \t\n\f\r/]*>")
_COMMENT_END = re.compile(r"--!?>")
_CONDITION = re.compile(r"\s*\[if\b[^\]]*\]>", re.IGNORECASE)
# What is between these and their end tag is not markup (the standard's raw text and escapable raw text).
_RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
_CHARACTER_REFERENCE = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*)[;=]?")


class _Comments:
    """Numbers the conditional comments of one message."""

    def __init__(self) -> None:
        self.count = 0


def read(source: str) -> Iterator[Token]:
    """The tags and texts of `source`, in order; also those in conditional comments. Any input is read to its end."""
    return _read(source, 0, len(source), 0, _Comments())


def attribute_text(raw: str) -> str:
    """An attribute's value as a mail program takes it: `&copy=1` in a query stays what it is, `&amp;` does not."""
    return _CHARACTER_REFERENCE.sub(_decode, raw) if "&" in raw else raw


def _decode(match: re.Match[str]) -> str:
    reference = match.group()
    # The standard: a name without its semicolon, before "=" or more letters, is historical and stays text.
    if reference.startswith("&#") or (not reference.endswith("=") and reference[1:] in html5):
        return html.unescape(reference)
    return reference


def _read(source: str, position: int, end: int, comment: int, comments: _Comments) -> Iterator[Token]:
    text_from = position
    while (opening := source.find("<", position, end)) >= 0:
        tag = _TAG.match(source, opening, end)
        if tag is None and source[opening + 1 : opening + 2] not in ("!", "?", "/"):
            position = opening + 1  # a "<" that opens nothing is text
            continue
        if text_from < opening:
            yield Text(text_from, opening, comment)
        if tag is None:
            position = yield from _comment(source, opening, end, comment, comments)
        else:
            position = yield from _tag(source, tag, end, comment)
        text_from = position
    if text_from < end:
        yield Text(text_from, end, comment)


def _tag(source: str, tag: re.Match[str], end: int, comment: int) -> Generator[Token, None, int]:
    name = tag.group(1).lower()
    attributes, position, self_closing = _attributes(source, tag.end(), end)
    if position < 0:
        return end  # the source ends within the tag: no tag
    if tag.group().startswith("</"):
        yield EndTag(name, comment)
        return position
    yield StartTag(name, attributes, self_closing, comment)
    if name in _RAW:
        closing = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(source, position, end)
        return closing.start() if closing else end
    return position


def _attributes(source: str, position: int, end: int) -> tuple[dict[str, Attribute], int, bool]:
    """The attributes from `position` on, and where the tag ends (-1 if it does not)."""
    attributes: dict[str, Attribute] = {}
    while True:
        if closing := _TAG_END.match(source, position, end):
            return attributes, closing.end(), source[closing.end() - 2] == "/"
        named = _ATTRIBUTE_NAME.match(source, position, end)
        if named is None:
            return attributes, -1, False
        position = named.end()
        value = Attribute(position, position, quoted=False)
        if equals := _EQUALS.match(source, position, end):
            value, position = _value(source, equals.end(), end)
            if position < 0:
                return attributes, -1, False
        attributes.setdefault(named.group(1).lower(), value)


def _value(source: str, position: int, end: int) -> tuple[Attribute, int]:
    quote = source[position : position + 1]
    if quote and quote in "\"'":
        closing = source.find(quote, position + 1, end)
        return Attribute(position + 1, closing, quoted=True), closing + 1 if closing >= 0 else -1
    unquoted = _UNQUOTED.match(source, position, end)
    after = unquoted.end() if unquoted else position
    return Attribute(position, after, quoted=False), after


def _comment(source: str, opening: int, end: int, comment: int, comments: _Comments) -> Generator[Token, None, int]:
    """What begins with "<!", "<?" or "</": a comment, of which only Outlook's conditional ones have content."""
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
        comments.count += 1
        yield from _read(source, condition.end(), content_end, comments.count, comments)
    return position
