"""A slice: all facts for criteria about the contacts of one account in one partition number.

In a slice a contact is an index, `contact_id // partitions`. Each tally has a name, which is a tuple: see `CLICKED`
below.
"""

from collections.abc import Sequence
from zlib import crc32

from pyroaring import BitMap

from services.segmentation.domain.column import Column
from services.segmentation.domain.ordered import Ordered
from services.segmentation.domain.prefixes import MAX_PREFIXES, PrefixSum
from services.segmentation.domain.tally import Tally
from shared.criteria import MergedLabels

Name = tuple[str | int | None, ...]

# The names of tallies. UUIDs are their integers, which are compared faster.
#   ("click",)                              any human click
#   ("click.label", label)                  on a link that carried the label
#   ("click.labels", label, label, …)       on a link that carried all of these, in order; for labels that are merged
#   ("click.send", send id)
#   ("click.target", message, link, url)    one link, as its clicks name it
#   ("machine.send", send id)               clicks by machines, for reports alone
#   ("engaged", kind)
#   ("engaged.message", kind, message)
#   ("engaged.whole", kind, ref, message, send id)    only those with a ref or a send
# Criteria also name sums of several tallies. `parts` maps the name of a sum to the names of its tallies:
#   ("click.message", message), ("click.link", link), ("click.url", url) -> click.target
#   ("click.together", label) -> click.labels
#   ("engaged.ref", kind, ref), ("engaged.send", kind, send id) -> engaged.whole
CLICKED: Name = ("click",)

REFUSED: Name = ("refused",)

# An attribute that no criterion uses; contacts that have denied consent to tracking have this value.
CONSENT, DENIED = "tracking_consent", "denied"

LOOSE_PARTS = 64  # parts of a snapshot that hold the loose tallies

NONE_MERGED = MergedLabels({})

EPOCH = 719_163  # the ordinal of 1970-01-01, from which days of labels are counted, for fewer bit slices


class Slice:
    """The state of a slice. `services.segmentation.domain.folding` folds events into it, `Evaluator.members` queries
    it.

    `day` is the ordinal of the account's day that the slice is in; it only increases. `changed` has the names of
    the parts that the next snapshot must write, `sizes` about how many bytes of memory each part took when it was
    last written or read: see `services.segmentation.domain.snapshot_parts`. `merged` are the account's labels that were
    merged into others; assignments and clicks stay under the label that their event names. `query_sums` is how many
    sums may have been cached today for queries, in addition to those for segments. The contact of index `i` has the id
    `i * partitions + first_contact`.
    """

    __slots__ = (
        "attributes",
        "changed",
        "columns",
        "created",
        "day",
        "first_contact",
        "known",
        "labels",
        "merged",
        "partitions",
        "parts",
        "prefixes",
        "query_sums",
        "refused",
        "sizes",
        "tallies",
        "urls",
    )

    def __init__(self, day: int, partitions: int = 1, first_contact: int = 0) -> None:
        self.day = day
        self.partitions = partitions
        self.first_contact = first_contact
        self.query_sums = 0
        self.changed: set[Name] = set()
        self.sizes: dict[Name, int] = {}
        self.merged = NONE_MERGED
        self.known = BitMap()
        self.labels: dict[int, Ordered] = {}
        self.refused: dict[int, BitMap] = {}
        self.attributes: dict[str, Column] = {}
        self.created = Ordered()
        self.tallies: dict[Name, Tally] = {}
        self.parts: dict[Name, list[Name]] = {}
        self.urls: set[str] = set()
        self.prefixes: dict[str, PrefixSum] = {}
        self.columns: dict[str, Column] = {}

    def tally(self, name: Name) -> Tally:
        """Return the tally of that name; create it if necessary."""
        tally = self.tallies.get(name)
        if tally is None:
            tally = self.tallies[name] = Tally()
            if name[0] == "click.target":
                self.urls.add(str(name[3]))
            for sum_name in sum_names_of(name):
                self.parts.setdefault(sum_name, []).append(name)
        return tally

    def count(self, name: Name, day: int, contacts: Sequence[int]) -> None:
        """Add one event of that name and day for each occurrence of a contact in the list."""
        tally = self.tally(name)
        is_settled = tally.add(day, contacts)
        for prefix_sum in self.prefixes.values():
            prefix_sum.add(name, day, contacts)
        if is_settled:
            self.changed.update(("days", block_of(each_day), *name) for each_day in tally.days)
        if is_settled or tally.loose is not None:
            self.changed.add(("loose", bucket_of(name)))
        else:
            self.changed.add(("days", block_of(day), *name))

    def prefix(self, prefix: str) -> PrefixSum:
        """Return the sum over all URLs that begin with `prefix`, which may not be collected yet."""
        prefix_sum = self.prefixes.get(prefix)
        if prefix_sum is None:
            if len(self.prefixes) >= MAX_PREFIXES:
                del self.prefixes[next(iter(self.prefixes))]
            prefix_sum = self.prefixes[prefix] = PrefixSum(prefix)
        return prefix_sum

    def named(self, name: Name) -> Sequence[Tally]:
        """Return the tallies whose sum the name denotes."""
        tally = self.tallies.get(name)
        if tally is not None:
            return (tally,)
        return [self.tallies[part] for part in self.parts.get(name, ())]

    def advance_to(self, day: int) -> bool:
        """Advance to a day (an ordinal); return False if the slice is at that day already, or past it."""
        if day <= self.day:
            return False
        self.day = day
        self.query_sums = 0
        for tally in (*self.tallies.values(), *(one.tally for one in self.prefixes.values())):
            if tally.sums:
                tally.pass_day()
        for index in self.labels.values():
            index.forget_ranges()
        self.created.forget_ranges()
        return True

    def forget_past(self) -> None:
        """Drop the sums of the previous day. Call this when all criteria that depend on the day were evaluated."""
        for tally in (*self.tallies.values(), *(one.tally for one in self.prefixes.values())):
            if tally.past:
                tally.forget_past()


def block_of(day: int) -> int:
    """Return the number of the part of a snapshot for a day of a tally; each part has about a month."""
    return day >> 5


def bucket_of(name: Name) -> int:
    """Return the bucket for a loose tally in a snapshot. It is the same in every process, unlike `hash`."""
    return crc32(repr(name).encode()) % LOOSE_PARTS


def sum_names_of(name: Name) -> tuple[Name, ...]:
    """Return the names of the sums that include this tally."""
    if name[0] == "click.target":
        _, message, link, url = name
        return ("click.message", message), ("click.link", link), ("click.url", url)
    if name[0] == "click.labels":
        return tuple(("click.together", label) for label in name[1:])
    if name[0] == "engaged.whole":
        _, kind, ref, _, send = name
        names: list[Name] = []
        if ref is not None:
            names.append(("engaged.ref", kind, ref))
        if send is not None:
            names.append(("engaged.send", kind, send))
        return tuple(names)
    return ()
