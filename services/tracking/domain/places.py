"""Where the links of a revision stand in its HTML, and their replacement without touching anything else."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

_BARE = re.compile(r"[A-Za-z0-9._~:/?#@!$&()*+,;=%|{}\[\]-]+")  # what may stand in an attribute without quotes


class Place(NamedTuple):
    """The place of an `href`'s value in the source, without its quotes."""

    start: int
    end: int
    quoted: bool


def written(place: Place, url: str) -> str:
    """Return `url` as it has to stand in that place: in quotes, if there are none and it needs them."""
    return url if place.quoted or _BARE.fullmatch(url) else f'"{url}"'


def replace_links(source: str, places: Sequence[Place], target: Callable[[int], str | None]) -> str:
    """Return `source` with the URL that `target` gives for an index of `places` in that place; None leaves it."""
    pieces: list[str] = []
    position = 0
    for index, place in enumerate(places):
        replacement = target(index)
        if replacement is None:
            continue
        pieces += [source[position : place.start], written(place, replacement)]
        position = place.end
    return "".join([*pieces, source[position:]])
