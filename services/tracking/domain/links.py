"""The links of a message: found in order, and replaced without touching anything else."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.tracking.domain import markup
from services.tracking.domain.markup import Attribute, EndTag, StartTag, Text
from services.tracking.domain.targets import Reason, resolve, untrackable

LONGEST_TEXT = 500
# These name something to load or to refer to, nothing to click on.
_NOT_LINKS = frozenset(
    {"link", "base", "script", "animate", "set", "use", "image", "feimage", "pattern", "filter", "mpath"}
    | {"lineargradient", "radialgradient", "textpath", "tref"}
)
_MOST_OPEN = 32  # links that are never closed must not make reading quadratic
_BARE = re.compile(r"[A-Za-z0-9._~:/?#@!$&()*+,;=%|{}\[\]-]+")  # what may stand in an attribute without quotes


@dataclass(frozen=True, slots=True)
class FoundLink:
    """An `href`: its place in the source (without quotes), where it leads, and what it says."""

    start: int
    end: int
    quoted: bool
    url: str
    text: str
    reason: Reason | None

    @property
    def trackable(self) -> bool:
        return self.reason is None


@dataclass(slots=True)
class _OpenLink:
    """A link whose end tag has not come yet; `depth` counts elements of the same name within it."""

    name: str
    href: Attribute
    comment: int
    label: str
    depth: int = 1
    texts: list[str] = field(default_factory=list)
    alternatives: list[str] = field(default_factory=list)

    def sees(self, comment: int) -> bool:
        # What only Outlook shows is no part of a visible link; its own button may frame visible text.
        return comment in (0, self.comment)

    def text(self) -> str:
        for texts in (self.texts, self.alternatives, [self.label]):
            if said := " ".join("".join(texts).split()):
                return said[:LONGEST_TEXT]
        return ""


def find_links(source: str) -> list[FoundLink]:
    """Every `href` that can be clicked on, in the order of the source, also in Outlook's conditional comments."""
    reader = _Reader(source)
    for token in markup.read(source):
        reader.take(token)
    return [_found(link, source, reader.base) for link in reader.links]


def replace_links(source: str, links: Sequence[FoundLink], target: Callable[[int], str | None]) -> str:
    """`source` with the value of each link for whose place in `links` `target` gives a URL replaced by it."""
    pieces: list[str] = []
    position = 0
    for place, link in enumerate(links):
        replacement = target(place)
        if replacement is None:
            continue
        bare = link.quoted or _BARE.fullmatch(replacement)
        pieces += [source[position : link.start], replacement if bare else f'"{replacement}"']
        position = link.end
    return "".join([*pieces, source[position:]])


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.links: list[_OpenLink] = []
        self.open: list[_OpenLink] = []
        self.base: str | None = None

    def take(self, token: markup.Token) -> None:
        match token:
            case Text():
                self._say(markup.attribute_text(self.source[token.start : token.end]), token.comment)
            case EndTag():
                self._close(token.name)
            case StartTag():
                self._start(token)

    def _start(self, tag: StartTag) -> None:
        if tag.name == "a":
            self._close("a")  # the standard: links do not nest
        for link in self.open:
            if link.name == tag.name and not tag.self_closing:
                link.depth += 1
        if tag.name == "img":
            self._picture(tag)
        elif tag.name == "base" and self.base is None and "href" in tag.attributes:
            self.base = resolve(self._value(tag, "href"), None)
        elif "href" in tag.attributes and tag.name not in _NOT_LINKS:
            self._open(tag)

    def _open(self, tag: StartTag) -> None:
        label = next((said for name in ("aria-label", "alt", "title") if (said := self._value(tag, name).strip())), "")
        link = _OpenLink(tag.name, tag.attributes["href"], tag.comment, label)
        self.links.append(link)
        # Only elements of XML (Outlook's VML) end themselves by a slash.
        if tag.name != "area" and not (tag.self_closing and ":" in tag.name):
            self.open = [*self.open[-_MOST_OPEN + 1 :], link]

    def _close(self, name: str) -> None:
        for link in self.open:
            if link.name == name:
                link.depth -= 1
        self.open = [link for link in self.open if link.depth > 0]

    def _say(self, text: str, comment: int) -> None:
        for link in self.open:
            if link.sees(comment):
                link.texts.append(text)

    def _picture(self, tag: StartTag) -> None:
        alternative = self._value(tag, "alt")
        for link in self.open:
            if link.sees(tag.comment):
                link.alternatives.append(f" {alternative}")

    def _value(self, tag: StartTag, name: str) -> str:
        attribute = tag.attributes.get(name)
        return markup.attribute_text(self.source[attribute.start : attribute.end]) if attribute else ""


def _found(link: _OpenLink, source: str, base: str | None) -> FoundLink:
    href = link.href
    url = resolve(markup.attribute_text(source[href.start : href.end]), base)
    text = link.text()
    return FoundLink(href.start, href.end, href.quoted, url, text, untrackable(url, text))
