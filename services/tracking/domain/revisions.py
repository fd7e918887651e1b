"""Revisions of a message: matches the links of the new HTML with existing links."""

from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple
from uuid import UUID

from services.tracking.domain.addresses import comparable, without_campaign
from services.tracking.domain.links import FoundLink
from services.tracking.domain.targets import GUESSES, Reason

MOST_WRITTEN = 10  # stored spellings of a link's URL over its revisions
Tracking = Literal["auto", "always", "never"]


class LinkLabel(NamedTuple):
    """A label on a link: its name when it was assigned, and what assigned it."""

    id: UUID
    name: str
    by: str = "hand"


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a message, from any revision.

    `present`: the newest revision has it. `url` is the URL in the message; `target` replaces it if it was corrected.
    `guess` is the reason not to track it, judging by its URL and text. `written` are the spellings of its URL in the
    HTML.
    """

    id: UUID
    number: int
    url: str
    text: str
    guess: Reason | None
    present: bool = True
    labels: tuple[LinkLabel, ...] = ()
    tracking: Tracking = "auto"
    target: str | None = None
    written: tuple[str, ...] = ()

    @property
    def leads_to(self) -> str:
        """The target of a click."""
        return self.target or self.url

    @property
    def reason(self) -> Reason | None:
        """Why the link is not tracked; None if it is."""
        if self.tracking == "never":
            return "never"
        if self.tracking == "always" and self.guess in GUESSES:
            return None
        return self.guess

    @property
    def trackable(self) -> bool:
        """Whether clicks on the link are tracked."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Revised:
    """The links after a new revision.

    `links` are all links that the message ever had, by number. `order` are those of the new revision in the order of
    its HTML; a link and its twin for Outlook are one. `lost` are links that had labels and are not in the new revision.
    """

    links: tuple[Link, ...]
    order: tuple[UUID, ...]
    lost: tuple[Link, ...] = ()


def revise(known: Sequence[Link], found: Sequence[FoundLink], new_id: Callable[[], UUID]) -> Revised:
    """Return the links after a new revision that has the links `found`.

    A link keeps its id, number and labels if it is matched by URL and text; or by URL alone, by URL without parameters
    that only count visits, or by text alone, if these are unique. A removed link is kept as not present. A number is
    never reused. A copy of a link gets the labels of the original.
    """
    twins = _twins(found)
    matched = _match(known, [index for index in range(len(found)) if index not in twins], found)
    originals = _Originals(matched, found)
    number = max((link.number for link in known), default=0)
    links = {link.id: replace(link, present=False) for link in known}
    by_index: dict[int, Link] = {}
    for index, found_link in enumerate(found):
        if index in twins:
            continue
        if (link := matched.get(index)) is None:
            number += 1
            link = Link(
                new_id(),
                number,
                found_link.url,
                found_link.text,
                found_link.reason,
                labels=originals.labels(index, found_link),
            )
        by_index[index] = links[link.id] = _updated(link, found_link)
    for index, visible in twins.items():
        link = by_index[visible]
        by_index[index] = links[link.id] = replace(link, written=_add_spelling(link.written, found[index].href))
    return Revised(
        tuple(sorted(links.values(), key=lambda link: link.number)),
        tuple(by_index[index].id for index in range(len(found))),
        tuple(link for link in known if link.present and link.labels and not links[link.id].present),
    )


def _updated(link: Link, found_link: FoundLink) -> Link:
    same = link.url == found_link.url
    written = _add_spelling(link.written if same else _add_spelling(link.written, link.url), found_link.href)
    return replace(
        link,
        url=found_link.url,
        text=found_link.text,
        guess=link.guess if same and link.target else found_link.reason,
        present=True,
        target=link.target if same else None,
        written=written,
    )


def _add_spelling(written: tuple[str, ...], href: str) -> tuple[str, ...]:
    return written if href in written else (*written, href)[-MOST_WRITTEN:]


def _twins(found: Sequence[FoundLink]) -> dict[int, int]:
    """Return, for each link for Outlook only, the visible link that it duplicates: same URL and text, nearby."""
    visible: defaultdict[Hashable, list[int]] = defaultdict(list)
    for index, found_link in enumerate(found):
        if not found_link.outlook:
            visible[found_link.url, _comparable_text(found_link.text)].append(index)
    twins = {}
    for index, found_link in enumerate(found):
        if found_link.outlook and (alike := visible.get((found_link.url, _comparable_text(found_link.text)))):
            after = bisect(alike, index)
            twins[index] = min(alike[max(after - 1, 0) : after + 1], key=lambda other: abs(other - index))
    return twins


def _match(known: Sequence[Link], indexes: Sequence[int], found: Sequence[FoundLink]) -> dict[int, Link]:
    """Return the known link of each index in `found`. Links for Outlook only are matched after the visible ones."""
    matching = _Matching(known)
    present = [link for link in known if link.present]
    for outlook in (False, True):
        matching.indexes = [index for index in indexes if found[index].outlook == outlook]
        matching.in_order(known, lambda link: (link.url, _comparable_text(link.text)), found)
        matching.if_unique(present, lambda link: link.url, found)
        matching.in_order(present, _address_and_text, found)
        matching.if_unique(present, lambda link: without_campaign(link.url), found)
        matching.if_unique(present, lambda link: _comparable_text(link.text), found)
    return matching.matched


class _Matching:
    """The unmatched links, the unmatched indexes of found links, and the matches so far."""

    def __init__(self, known: Sequence[Link]) -> None:
        self.matched: dict[int, Link] = {}
        self.indexes: list[int] = []
        self._free = {link.id for link in known}

    def in_order(
        self, known: Sequence[Link], key: Callable[[Link | FoundLink], Hashable], found: Sequence[FoundLink]
    ) -> None:
        """Match those with equal keys, in their order. Links of the last revision, and links with labels, come
        first."""
        for links, indexes in self._groups(known, key, found):
            best = sorted(links, key=lambda link: (not link.present, not link.labels, link.number))[: len(indexes)]
            self._assign(zip(indexes, sorted(best, key=lambda link: (not link.present, link.number)), strict=False))

    def if_unique(
        self, known: Sequence[Link], key: Callable[[Link | FoundLink], Hashable], found: Sequence[FoundLink]
    ) -> None:
        """Match each key that exactly one known link and one found link have."""
        for links, indexes in self._groups(known, key, found):
            if len(links) == len(indexes) == 1:
                self._assign([(indexes[0], links[0])])

    def _groups(
        self, known: Sequence[Link], key: Callable[[Link | FoundLink], Hashable], found: Sequence[FoundLink]
    ) -> list[tuple[list[Link], list[int]]]:
        links: defaultdict[Hashable, list[Link]] = defaultdict(list)
        for link in known:
            if link.id in self._free:
                links[key(link)].append(link)
        indexes: defaultdict[Hashable, list[int]] = defaultdict(list)
        for index in self.indexes:
            if index not in self.matched:
                indexes[key(found[index])].append(index)
        return [(links[one], indexes[one]) for one in indexes if one and one in links]

    def _assign(self, pairs: Iterable[tuple[int, Link]]) -> None:
        for index, link in pairs:
            self.matched[index] = link
            self._free.discard(link.id)


class _Originals:
    """Links that may have copies."""

    def __init__(self, matched: Mapping[int, Link], found: Sequence[FoundLink]) -> None:
        self._indexes: defaultdict[Hashable, list[int]] = defaultdict(list)
        self._visible: defaultdict[str, list[int]] = defaultdict(list)  # by URL
        for index in sorted(matched):
            self._indexes[_address_and_text(found[index])].append(index)
            if not found[index].outlook:
                self._visible[found[index].url].append(index)
        self._matched = matched

    def labels(self, index: int, found_link: FoundLink) -> tuple[LinkLabel, ...]:
        """Return the labels of the original of the link at `index`: the nearest one before it."""
        indexes = self._indexes.get(_address_and_text(found_link)) or (
            self._visible.get(found_link.url) if found_link.outlook else None
        )
        if not indexes:
            return ()
        return self._matched[indexes[max(bisect(indexes, index) - 1, 0)]].labels


def _address_and_text(link: Link | FoundLink) -> Hashable:
    return without_campaign(link.url), _comparable_text(link.text)


def _comparable_text(text: str) -> str:
    """Return a text in the form for comparison: without spaces, invisible characters and case."""
    return "".join(character for character in text.casefold() if character.isprintable() and not character.isspace())


def links_to(links: Sequence[Link], url: str) -> list[Link]:
    """Return the links whose URL is `url`, in any spelling in the message, or resolved.

    Removed links count only if the newest revision has none.
    """
    exact = [link for link in links if url in (link.url, link.target, *link.written)]
    if not exact:
        address = comparable(url)
        exact = [link for link in links if address in link_addresses(link)]
    return [link for link in exact if link.present] or exact


def link_addresses(link: Link) -> set[str]:
    """Return the URLs by which reports may name the link, in the form for comparison."""
    return {comparable(address) for address in (link.url, link.target, *link.written) if address}


def shared_labels(links: Sequence[Link]) -> tuple[LinkLabel, ...]:
    """Return the labels that all of `links` carry, which a click on any of them assigns."""
    if len(links) == 1:
        return links[0].labels
    carried = set.intersection(*({label.id for label in link.labels} for link in links))
    return tuple(label for label in links[0].labels if label.id in carried)


def distinct(order: Iterable[UUID]) -> list[UUID]:
    """Return link ids in the order in which they first occur."""
    return list(dict.fromkeys(order))
