"""The places of a revision's links in its HTML, and their replacement without other changes."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

_BARE = re.compile(
    r"[A-Za-z0-9._~:/?#@!$&()*+,;=%|{}\[\]-]+"
)  # characters that are allowed in an attribute without quotes


class Place(NamedTuple):
    """The place of an `href`'s value in the source, without its quotes."""

    start: int
    end: int
    quoted: bool


def attribute_value(place: Place, url: str) -> str:
    """Return `url` as the attribute value at `place`; it is put in quotes if it needs them and there are none."""
    return url if place.quoted or _BARE.fullmatch(url) else f'"{url}"'


def replace_links(source: str, places: Sequence[Place], target: Callable[[int], str | None]) -> str:
    """Return `source` with each place replaced by the URL that `target` returns for its index; None means no change."""
    chunks: list[str] = []
    position = 0
    for index, place in enumerate(places):
        replacement = target(index)
        if replacement is None:
            continue
        chunks += [source[position : place.start], attribute_value(place, replacement)]
        position = place.end
    return "".join([*chunks, source[position:]])
