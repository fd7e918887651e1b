"""Groups the links of a message for labelling: links with the same URL together, unlabelled ones separately."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from shared.urls import without_campaign

_SOCIAL = (
    "facebook.com",
    "instagram.com",
    "linkedin.com",
    "x.com",
    "twitter.com",
    "youtube.com",
    "tiktok.com",
    "pinterest.com",
)


@dataclass(frozen=True, slots=True)
class LinkGroup:
    """Links with the same URL and the same labels."""

    links: Sequence[Mapping[str, Any]]
    folded: bool  # not tracked, or a link to a social network: seldom labelled

    @property
    def first(self) -> Mapping[str, Any]:
        """The link that represents the group."""
        return self.links[0]

    @property
    def label_names(self) -> list[str]:
        """The names of their labels."""
        return [label["name"] for label in self.first["labels"]]


def group_links(links: Iterable[Mapping[str, Any]]) -> list[LinkGroup]:
    """Return the groups of links, in the order of the mail."""
    groups: dict[tuple[str, tuple[str, ...], bool], list[Mapping[str, Any]]] = {}
    for link in links:
        labels = tuple(sorted(label["id"] for label in link["labels"]))
        groups.setdefault((without_campaign(link["url"]), labels, link["trackable"]), []).append(link)
    return [
        LinkGroup(group, folded=(not trackable or is_social(url)) and not labels)
        for (url, labels, trackable), group in groups.items()
    ]


def is_social(url: str) -> bool:
    """Return whether a link leads to a social network."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return any(host == domain or host.endswith(f".{domain}") for domain in _SOCIAL)


def label_suggestions(links: Iterable[Mapping[str, Any]], earlier: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return, for the URL of each unlabelled link, the names of labels that it had in earlier messages."""
    names_by_url: dict[str, list[str]] = {}
    for message in earlier:
        for link in message["links"]:
            names = [label["name"] for label in link["labels"] if not label.get("broken")]
            if names:
                names_by_url.setdefault(without_campaign(link["url"]), names)
    unlabelled = {without_campaign(link["url"]) for link in links if link["trackable"] and not link["labels"]}
    return {url: names for url, names in names_by_url.items() if url in unlabelled}


def links_in(html: str) -> list[tuple[str, str]]:
    """Return the URL and the text of each link in the HTML of a mail, in the order of the HTML."""
    finder = _Links()
    finder.feed(html)
    finder.close()
    return [(url, " ".join("".join(text).split())) for url, text in finder.links]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, list[str]]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("a", "area") and values.get("href"):
            self.links.append(((values["href"] or "").strip(), []))
            self._open = tag == "a"
        elif tag == "img" and self._open:
            self.links[-1][1].append(values.get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._open:
            self.links[-1][1].append(data)


def names_in(text: str) -> list[str]:
    """Return the names in a list separated by commas, each once."""
    names = (" ".join(name.split()) for name in text.split(","))
    return list(dict.fromkeys(name for name in names if name))
