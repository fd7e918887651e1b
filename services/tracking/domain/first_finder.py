"""The finder of links from before revisions stored the places of their links. Never change this module.

The ids of a revision's links are stored in the order of its HTML. For revisions without places, only the finder that
stored them finds the places that match those ids. The migration that fills them in needs it, and so do revisions that
an older process writes during an upgrade.
"""

import re
from collections.abc import Generator, Iterator
from typing import NamedTuple

_TAG = re.compile(r"</?([A-Za-z][^\s/>\x00]*)")
_ATTRIBUTE_NAME = re.compile(r"[ \t\n\f\r/]*(=?[^ \t\n\f\r/>=]+|=)")
_EQUALS = re.compile(r"[ \t\n\f\r]*=[ \t\n\f\r]*")
_UNQUOTED = re.compile(r"[^ \t\n\f\r>]*")
_TAG_END = re.compile(r"[ \t\n\f\r/]*>")
_COMMENT_END = re.compile(r"--!?>")
_CONDITION = re.compile(r"\s*\[if\b[^\]]*\]>", re.IGNORECASE)
_RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
_NOT_LINKS = frozenset(
    {"link", "base", "script", "animate", "set", "use", "image", "feimage", "pattern", "filter", "mpath", "img"}
    | {"lineargradient", "radialgradient", "textpath", "tref"}
)


class Place(NamedTuple):
    """The place of an `href`'s value in the source, without its quotes."""

    start: int
    end: int
    quoted: bool


def first_places(source: str) -> list[Place]:
    """Return the places of all links, as the first finder found them."""
    return list(_read(source, 0, len(source)))


def _read(source: str, position: int, end: int) -> Iterator[Place]:
    while (opening := source.find("<", position, end)) >= 0:
        tag = _TAG.match(source, opening, end)
        if tag is not None:
            position = yield from _tag(source, tag, end)
        elif source[opening + 1 : opening + 2] in ("!", "?", "/"):
            position = yield from _comment(source, opening, end)
        else:
            position = opening + 1


def _tag(source: str, tag: re.Match[str], end: int) -> Generator[Place, None, int]:
    name = tag.group(1).lower()
    href, position = _href(source, tag.end(), end)
    if position < 0:
        return end
    if tag.group().startswith("</"):
        return position
    if href is not None and name not in _NOT_LINKS:
        yield href
    if name in _RAW:
        closing = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(source, position, end)
        return closing.start() if closing else end
    return position


def _href(source: str, position: int, end: int) -> tuple[Place | None, int]:
    href: Place | None = None
    while True:
        if closing := _TAG_END.match(source, position, end):
            return href, closing.end()
        named = _ATTRIBUTE_NAME.match(source, position, end)
        if named is None:
            return href, -1
        position = named.end()
        value = Place(position, position, False)
        if equals := _EQUALS.match(source, position, end):
            value, position = _value(source, equals.end(), end)
            if position < 0:
                return href, -1
        if href is None and named.group(1).lower() == "href":
            href = value


def _value(source: str, position: int, end: int) -> tuple[Place, int]:
    quote = source[position : position + 1]
    if quote and quote in "\"'":
        closing = source.find(quote, position + 1, end)
        return Place(position + 1, closing, True), closing + 1 if closing >= 0 else -1
    unquoted = _UNQUOTED.match(source, position, end)
    after = unquoted.end() if unquoted else position
    return Place(position, after, False), after


def _comment(source: str, opening: int, end: int) -> Generator[Place, None, int]:
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
        yield from _read(source, condition.end(), content_end)
    return position
