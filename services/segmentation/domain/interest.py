"""Interest compared with other interests, set-wise: which label is clicked most, and which one more."""

from uuid import UUID

from pyroaring import BitMap

from services.segmentation.domain.planes import Planes, compared_planes, multiplied
from services.segmentation.domain.slice import Slice
from services.segmentation.domain.tally import Range, add_tallies
from shared.criteria.grammar import MoreClicks


def label_planes(target: Slice, label: UUID, days: Range, within: BitMap | None, keep: bool) -> Planes:
    """Numbers of clicks on a label in a range of days, without those of contacts who refused it; not to be changed."""
    planes = add_tallies(target.named(("click.label", label.int)), days, within, keep)
    refused = target.refused.get(label.int)
    return [plane - refused for plane in planes] if refused else planes


def more_clicks(target: Slice, node: MoreClicks, days: Range, within: BitMap | None, keep: bool) -> BitMap:
    """Who clicked more on the node's label than on the other one."""
    label = label_planes(target, node.label, days, within, keep)
    than = label_planes(target, node.than, days, within, keep)
    more, equal = compared_planes(label, than if node.times is None else multiplied(than, node.times))
    # The same number above zero of both: `times` as many is enough, more than as many is not.
    return more if node.times is None else more | equal


def top_label(
    target: Slice, label: UUID, among: tuple[UUID, ...] | None, days: Range, within: BitMap | None, keep: bool
) -> BitMap:
    """Those for whom the label comes first: most clicks, then the later last click, then the smaller id."""
    if among is None:
        others = [UUID(int=name[1]) for name in target.tallies if name[0] == "click.label" and isinstance(name[1], int)]
    else:
        others = list(among)
    planes = label_planes(target, label, days, within, keep)
    candidates = BitMap.union(*planes) if planes else BitMap()
    ties: list[tuple[UUID, BitMap]] = []
    for other in {*others} - {label}:
        if not candidates:
            return candidates
        more, equal = compared_planes(planes, label_planes(target, other, days, within, keep))
        candidates &= more | equal
        ties.append((other, equal))
    for other, equal in ties:
        tied = equal & candidates
        if tied:
            # As many clicks on both: the later last click comes first, then the older label.
            asked = (days, tied if within is None else tied & within, keep)
            mine, theirs = (_last_day(target, one, *asked, tied) for one in (label, other))
            later, same = compared_planes(theirs, mine)
            candidates -= later | same if other.int < label.int else later
    return candidates


def _last_day(target: Slice, label: UUID, days: Range, within: BitMap, keep: bool, tied: BitMap) -> Planes:
    tallies = target.named(("click.label", label.int))
    planes = tallies[0].last_day(days, within, keep) if tallies else []
    return [plane & tied for plane in planes]
