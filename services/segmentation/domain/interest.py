"""Compares interests by set operations: the most clicked label, and more clicks on one label than on another."""

from collections.abc import Sequence
from uuid import UUID

from pyroaring import BitMap

from services.segmentation.domain.planes import Planes, add_planes, compared_planes, multiplied, remove_planes
from services.segmentation.domain.slice import Slice
from services.segmentation.domain.tally import Range, add_tallies
from shared.criteria.grammar import MoreClicks


def label_planes(
    target: Slice, label: UUID, days: Range, within: BitMap | None, keep: bool, *, refused: bool = False
) -> Planes:
    """Return the clicks on a label in a range of days as bit slices, which must not be modified.

    `refused`: include the contacts that refuse the label.
    """
    alike = target.merged.alike(label)
    if len(alike) == 1:
        planes = add_tallies(target.named(("click.label", label.int)), days, within, keep)
    else:
        planes = _planes_of_merged([one.int for one in alike], target, days, within, keep)
    excluded = BitMap() if refused else refusing(target, label)
    return [plane - excluded for plane in planes] if excluded else planes


def _planes_of_merged(labels: Sequence[int], target: Slice, days: Range, within: BitMap | None, keep: bool) -> Planes:
    """Return the sum of the clicks on merged labels; a click on a link with several of them counts once."""
    planes: Planes = []
    for label in labels:
        add_planes(planes, add_tallies(target.named(("click.label", label)), days, within, keep), None)
    together = {name for label in labels for name in target.parts.get(("click.together", label), ())}
    for name in together:
        for _ in range(len({*name[1:]} & {*labels}) - 1):
            remove_planes(planes, target.tallies[name].counted(days, within, keep))
    return planes


def refusing(target: Slice, label: UUID) -> BitMap:
    """Return the contacts that refuse a label, without those that hold a label that it was merged with."""
    alike = target.merged.alike(label)
    if len(alike) == 1:
        return target.refused.get(label.int, BitMap())
    refused = [target.refused[one.int] for one in alike if one.int in target.refused]
    held = [target.labels[one.int].present for one in alike if one.int in target.labels]
    return BitMap.union(*refused) - BitMap.union(*held) if refused else BitMap()


def more_clicks(target: Slice, node: MoreClicks, days: Range, within: BitMap | None, keep: bool) -> BitMap:
    """Return the contacts that clicked more on the node's label than on the other one."""
    label = label_planes(target, node.label, days, within, keep)
    than = label_planes(target, node.than, days, within, keep)
    more, equal = compared_planes(label, than if node.times is None else multiplied(than, node.times))
    # For equal numbers above zero: exactly `times` as many satisfies a node with `times`, but not one without.
    return more if node.times is None else more | equal


def clicked_labels(target: Slice) -> list[UUID]:
    """Return the labels with at least one click."""
    return [UUID(int=name[1]) for name in target.tallies if name[0] == "click.label" and isinstance(name[1], int)]


def top_label(
    target: Slice, label: UUID, among: tuple[UUID, ...] | None, days: Range, within: BitMap | None, keep: bool
) -> BitMap:
    """Return the contacts for whom the label ranks first: most clicks, then later last click, then smaller id."""
    label = target.merged.last.get(label, label)
    others = clicked_labels(target) if among is None else among
    others = [target.merged.last.get(other, other) for other in others]
    planes = label_planes(target, label, days, within, keep)
    candidates = BitMap.union(*planes) if planes else BitMap()
    ties: list[tuple[UUID, BitMap]] = []
    for other in {*others} - {label}:
        if not candidates:
            return candidates
        more, equal = compared_planes(planes, label_planes(target, other, days, within, keep), candidates)
        candidates = more | equal
        if equal:
            ties.append((other, equal))
    if not candidates or not ties:
        return candidates
    # Equal numbers of clicks: the later last click ranks first, then the older label.
    last_days = _last_day(target, label, days, candidates, keep)
    for other, equal in ties:
        tied = equal & candidates
        if tied:
            later, same = compared_planes(_last_day(target, other, days, tied, keep), last_days, tied)
            candidates = candidates - (later | same if other.int < label.int else later)
    return candidates


def _last_day(target: Slice, label: UUID, days: Range, within: BitMap, keep: bool) -> Planes:
    """Return the last day on which each contact clicked on a label, as bit slices; contacts outside `within` may be
    included."""
    tallies = [tally for one in target.merged.alike(label) for tally in target.named(("click.label", one.int))]
    latest: Planes = []
    for tally in tallies:
        planes = tally.last_day(days, within, keep)
        latest = planes if not latest else _greater(latest, planes)
    return latest


def _greater(first: Planes, second: Planes) -> Planes:
    """Return the greater of two numbers for each contact."""
    more, _ = compared_planes(second, first)
    return [
        ((first[level] if level < len(first) else BitMap()) - more)
        | ((second[level] if level < len(second) else BitMap()) & more)
        for level in range(max(len(first), len(second)))
    ]
