"""Cached sums of clicks on all URLs with a prefix: otherwise a criterion would add up thousands of links each time."""

from collections.abc import Iterator, Sequence

from services.segmentation.domain.planes import add_planes, occurrences
from services.segmentation.domain.tally import Tally

MAX_PREFIXES = 8  # in a slice; beyond this the oldest one is dropped


class PrefixSum:
    """The sum of the tallies of all links whose URL begins with `prefix`.

    The links are included one by one, while clicks may be folded in. A click on a link that is included is added to
    the sum; other clicks follow when their link is included. `ready`: all links are included.
    """

    __slots__ = ("names", "prefix", "ready", "tally")

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.tally = Tally()
        self.tally.loose = None
        self.names: set[tuple[str | int | None, ...]] = set()
        self.ready = False

    def matches(self, name: tuple[str | int | None, ...]) -> bool:
        """Return whether a tally counts clicks on a link whose URL begins with the prefix."""
        return name[0] == "click.target" and str(name[3]).startswith(self.prefix)

    def add(self, name: tuple[str | int | None, ...], day: int, contacts: Sequence[int]) -> None:
        """Add clicks that were just added to the tally of that name, if the sum includes it."""
        if name in self.names:
            self.tally.add(day, contacts)
        elif self.ready and self.matches(name):
            self.names.add(name)
            self.tally.add(day, contacts)

    def collect(self, tallies: "dict[tuple[str | int | None, ...], Tally]") -> Iterator[None]:
        """Include all links, and yield after each."""
        while not self.ready:
            missing = [name for name in tallies if name not in self.names and self.matches(name)]
            for name in missing:
                self._include(name, tallies[name])
                yield
            self.ready = not missing

    def _include(self, name: tuple[str | int | None, ...], tally: Tally) -> None:
        self.names.add(name)
        for packed in tally.loose or ():
            add_planes(self.tally.days.setdefault(packed >> 32, []), occurrences([packed & 0xFFFFFFFF]), None)
        for day, planes in tally.days.items():
            add_planes(self.tally.days.setdefault(day, []), planes, None)
