"""Revisions of a message: which links of the new HTML are links that the message had before."""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from services.tracking.domain.links import FoundLink
from services.tracking.domain.targets import Reason


class LinkLabel(NamedTuple):
    """A label on a link: its name when it was put there, and what put it there."""

    id: UUID
    name: str
    by: str = "hand"


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a message, in whatever revision. `present`: the newest revision has it."""

    id: UUID
    number: int
    url: str
    text: str
    reason: Reason | None
    present: bool = True
    labels: tuple[LinkLabel, ...] = ()

    @property
    def trackable(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Revised:
    """All links that the message ever had, by number, and those of the new revision in its order."""

    links: tuple[Link, ...]
    order: tuple[UUID, ...]


def revise(known: Sequence[Link], found: Sequence[FoundLink], new_id: Callable[[], UUID]) -> Revised:
    """The links after a new revision in which `found` was found.

    A link with the same URL and text as one that the message had keeps its id, number and labels; of several such,
    those of the last revision come first, each in its order. A vanished link stays, as not present. A number is
    never used again.
    """
    candidates: defaultdict[tuple[str, str], deque[Link]] = defaultdict(deque)
    for link in sorted(known, key=lambda link: (not link.present, link.number)):
        candidates[link.url, link.text].append(link)
    number = max((link.number for link in known), default=0)
    links = {link.id: replace(link, present=False) for link in known}
    order = []
    for at in found:
        if same := candidates[at.url, at.text]:
            link = replace(same.popleft(), reason=at.reason, present=True)
        else:
            number += 1
            link = Link(new_id(), number, at.url, at.text, at.reason)
        links[link.id] = link
        order.append(link.id)
    return Revised(tuple(sorted(links.values(), key=lambda link: link.number)), tuple(order))


def links_to(links: Sequence[Link], url: str) -> list[Link]:
    """The links that lead to `url`: those of the newest revision, or else those that have vanished."""
    fitting = [link for link in links if link.url == url]
    return [link for link in fitting if link.present] or fitting


def shared_labels(links: Sequence[Link]) -> tuple[LinkLabel, ...]:
    """The labels that all of `links` carry: what a click that may have been on any of them tells for sure."""
    if len(links) == 1:
        return links[0].labels
    carried = set.intersection(*({label.id for label in link.labels} for link in links))
    return tuple(label for label in links[0].labels if label.id in carried)
