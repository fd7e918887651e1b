"""Evaluates criteria by set algebra on a slice."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from pyroaring import BitMap

from services.segmentation.domain.interest import label_planes, more_clicks, refusing, top_label
from services.segmentation.domain.ordered import Ordered
from services.segmentation.domain.planes import satisfying
from services.segmentation.domain.sampling import sample
from services.segmentation.domain.slice import CLICKED, EPOCH, Name, Slice
from services.segmentation.domain.tally import EVER, FOREVER, Range, Tally, add_tallies
from shared.criteria.grammar import (
    All,
    AnyOf,
    Clicked,
    ContactCreated,
    ContactIs,
    Count,
    Criterion,
    Engaged,
    FieldCompared,
    FieldDay,
    HoldsLabel,
    InSegment,
    MoreClicks,
    Not,
    Operator,
    Period,
    Sampled,
    TopLabel,
)
from shared.events.labeling import Scalar

ONCE = Count()


class Evaluator:
    """Evaluates several criteria on one slice at one moment; a shared leaf is evaluated once.

    `within`: only these contacts are of interest. `keep`: the same criteria will be evaluated again after the next
    batch, so sums over days are cached. Returned bitmaps must not be modified.
    """

    def __init__(self, target: Slice, within: BitMap | None = None, keep: bool = False) -> None:
        self.target = target
        self.universe = target.known if within is None else target.known & within
        self._within = None if within is None else self.universe
        self._keep = keep
        self._leaves: dict[int, BitMap] = {}
        self._segments: dict[UUID, BitMap] = {}

    def members(self, node: Criterion) -> BitMap:
        """Return the known contacts for whom the criterion is true."""
        match node:
            case All(parts):
                return BitMap.intersection(self.universe, *(self.members(part) for part in parts))
            case AnyOf(parts):
                return BitMap.union(*(self.members(part) for part in parts)) if parts else BitMap()
            case Not(part):
                return self.universe - self.members(part)
            case InSegment(segment, criterion):
                return self._segment(segment, criterion)
            case _:
                # Leaves are compared by identity, because hashing one takes longer than evaluating it. The caller keeps
                # the criteria alive, so identities stay unique.
                members = self._leaves.get(id(node))
                if members is None:
                    members = self._leaves[id(node)] = self._leaf(node)
                return members

    def _segment(self, segment: UUID, criterion: Criterion | None) -> BitMap:
        members = self._segments.get(segment)
        if members is None:
            if criterion is None:
                raise ValueError(f"segment {segment} was not inlined")
            members = self._segments[segment] = self.members(criterion)
        return members

    def _leaf(self, node: Criterion) -> BitMap:
        match node:
            case HoldsLabel(labels, period):
                return self._holders(labels, period)
            case Clicked(count=count, period=period):
                return self._clicked(node, count, period)
            case Engaged(count=count, period=period):
                return self._counted(engagements(self.target, node), count, period)
            case TopLabel(label, among, period):
                days = days_of(period, self.target.day)
                return top_label(self.target, label, among, days, self._within, self._keep) & self.universe
            case MoreClicks(period=period):
                days = days_of(period, self.target.day)
                return more_clicks(self.target, node, days, self._within, self._keep) & self.universe
            case Sampled(percent, seed):
                return sample(self.universe, percent, seed, self.target)
            case _:
                return self._attribute(node)

    def _attribute(self, node: Criterion) -> BitMap:
        match node:
            case FieldCompared(key, operator, operand):
                return self._compared(key, operator, operand)
            case FieldDay(key, window):
                column = self.target.columns.get(key)
                today = date.fromordinal(self.target.day)
                return BitMap() if column is None else column.in_window(window, today, self.universe, self._within)
            case ContactIs(attribute, values):
                column = self.target.attributes.get(attribute)
                return BitMap() if column is None else column.any_of(values, self._within) & self.universe
            case ContactCreated(period):
                days = days_of(period, self.target.day)
                if self._keep:
                    return self.target.created.cached_between(*days) & self.universe
                return self.target.created.between(*days, self._within) & self.universe
            case _:
                raise TypeError(f"{type(node).__name__} is not a leaf")

    def _clicked(self, node: Clicked, count: Count, period: Period | None) -> BitMap:
        label = node.target if node.selector == "label" and isinstance(node.target, UUID) else None
        is_plain_sum = label is None or not (self.target.merged or refusing(self.target, label))
        if label is None or is_plain_sum:
            return self._counted(clicks(self.target, node), count, period)
        days = days_of(period, self.target.day)
        planes = label_planes(self.target, label, days, self._within, self._keep, refused=node.refused)
        return satisfying(planes, count, self.universe)

    def _holders(self, labels: tuple[UUID, ...], period: Period | None) -> BitMap:
        return BitMap.union(*(self._holding(self.target.merged.alike(label), period) for label in labels))

    def _holding(self, alike: Sequence[UUID], period: Period | None) -> BitMap:
        """Return the contacts that hold one of several merged labels, and have done so since a day of the period."""
        indexes = [index for label in alike if (index := self.target.labels.get(label.int)) is not None]
        if not indexes:
            return BitMap()
        if period is None:
            return BitMap.union(*(index.present for index in indexes)) & self.universe
        first, last = days_of(period, self.target.day)
        lowest, highest = max(first - EPOCH, 0), last - EPOCH
        holding = self._held_since(indexes, lowest, highest)
        return holding if len(indexes) == 1 or lowest == 0 else holding - self._held_since(indexes, 0, lowest - 1)

    def _held_since(self, indexes: Sequence[Ordered], lowest: int, highest: int) -> BitMap:
        if self._keep:
            return BitMap.union(*(index.cached_between(lowest, highest) for index in indexes)) & self.universe
        return BitMap.union(*(index.between(lowest, highest, self._within) for index in indexes)) & self.universe

    def _counted(self, tallies: Sequence[Tally], count: Count, period: Period | None) -> BitMap:
        if not tallies:
            return self.universe if count.holds(0) else BitMap()
        days = days_of(period, self.target.day)
        if count == ONCE and not self._keep:
            return BitMap.union(*(tally.contacts_with_any(days, self._within) for tally in tallies)) & self.universe
        return satisfying(add_tallies(tallies, days, self._within, self._keep), count, self.universe)

    def _compared(self, key: str, operator: Operator, operand: Scalar | tuple[Scalar, ...]) -> BitMap:
        column = self.target.columns.get(key)
        if column is None:
            missing = operator == "is_not" or (operator == "exists" and operand is False)
            return self.universe if missing else BitMap()
        return column.satisfying(operator, operand, self.universe, self._within)


def days_of(period: Period | None, today: int) -> Range:
    """Return the days (ordinals, inclusive) of a period."""
    if period is None:
        return EVER
    first, last = period.bounds(date.fromordinal(today))
    return first.toordinal() if first else 0, last.toordinal() if last else FOREVER


def name_of(node: Clicked) -> Name:
    """Return the name of the tally that a clicks node counts."""
    target = node.target.int if isinstance(node.target, UUID) else node.target
    if node.selector is None:
        return CLICKED
    return (f"click.{node.selector}", target)


def clicks(target: Slice, node: Clicked) -> Sequence[Tally]:
    """Return the tallies whose sum a clicks node counts."""
    if node.selector != "url_starts_with":
        return target.named(name_of(node))
    prefix = str(node.target)
    prefix_sum = target.prefixes.get(prefix)
    if prefix_sum is not None and prefix_sum.ready:
        return [prefix_sum.tally]
    urls = [url for url in target.urls if url.startswith(prefix)]
    return [tally for url in urls for tally in target.named(("click.url", url))]


def engagements(target: Slice, node: Engaged) -> Sequence[Tally]:
    """Return the tallies whose sum an engaged node counts."""
    message = node.message.int if node.message else None
    if node.ref is None and node.send is None:
        return target.named(("engaged", node.kind) if message is None else ("engaged.message", node.kind, message))
    name = ("engaged.send", node.kind, node.send) if node.send is not None else ("engaged.ref", node.kind, node.ref)
    return [
        target.tallies[part]
        for part in target.parts.get(name, ())
        if node.ref in (None, part[2]) and message in (None, part[3])
    ]
