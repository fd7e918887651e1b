"""Criteria that name a label which was merged into another one: from then on they mean both."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from shared.criteria.grammar import All, AnyOf, Clicked, Criterion, HoldsLabel, InSegment, MoreClicks, Not, TopLabel


def with_merged_labels(criterion: Criterion, merged: Mapping[UUID, UUID]) -> Criterion:
    """Return the criterion with each merged label replaced by the one that it was merged into.

    `merged` maps a label to the last one of its chain. The facts must be resolved in the same way: what they know of
    any of these labels they say of the last one. Segments are resolved inside, if they were inlined.
    """
    return _resolved(criterion, merged) if merged else criterion


def _resolved(node: Criterion, merged: Mapping[UUID, UUID]) -> Criterion:
    match node:
        case All(parts) | AnyOf(parts):
            return replace(node, parts=tuple(_resolved(part, merged) for part in parts))
        case Not(part):
            return replace(node, part=_resolved(part, merged))
        case InSegment(_, inner) if inner is not None:
            return replace(node, criterion=_resolved(inner, merged))
        case HoldsLabel(labels):
            return replace(node, labels=_unique(labels, merged))
        case Clicked(selector="label", target=UUID() as label):
            return replace(node, target=merged.get(label, label))
        case TopLabel(label, among):
            rest = None if among is None else _unique(among, merged)
            return replace(node, label=merged.get(label, label), among=rest)
        case MoreClicks(label, than):
            return replace(node, label=merged.get(label, label), than=merged.get(than, than))
        case _:
            return node


def _unique(labels: tuple[UUID, ...], merged: Mapping[UUID, UUID]) -> tuple[UUID, ...]:
    return tuple(dict.fromkeys(merged.get(label, label) for label in labels))
