"""Merged labels in criteria: a criterion on a merged label also means the label that it was merged into."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from shared.criteria.grammar import All, AnyOf, Clicked, Criterion, HoldsLabel, InSegment, MoreClicks, Not, TopLabel


class MergedLabels:
    """The merged labels of one account: `last` has the label at the end of the chain of each.

    `merged_into` maps each merged label to the one that it was merged into. A cycle ends at its first label.
    """

    def __init__(self, merged_into: Mapping[UUID, UUID]) -> None:
        self.last = {label: _end_of_chain(label, merged_into) for label in merged_into}
        self._alike: dict[UUID, tuple[UUID, ...]] = {}
        for label, last in self.last.items():
            self._alike[last] = (*self._alike.get(last, (last,)), label)

    def __bool__(self) -> bool:
        return bool(self.last)

    def alike(self, label: UUID) -> tuple[UUID, ...]:
        """Return the labels that mean the same as this one, itself included."""
        return self._alike.get(self.last.get(label, label), (label,))

    def all_alike(self, labels: Iterable[UUID]) -> tuple[UUID, ...]:
        """Return all labels that mean the same as one of these."""
        return tuple(dict.fromkeys(alike for label in labels for alike in self.alike(label)))


def _end_of_chain(label: UUID, merged_into: Mapping[UUID, UUID]) -> UUID:
    """Return the label that `label` was merged into in the end; in a cycle, the last one before a repetition."""
    visited = {label}
    while (next_label := merged_into.get(label)) is not None and next_label not in visited:
        visited.add(next_label)
        label = next_label
    return label


def with_merged_labels(criterion: Criterion, merged: Mapping[UUID, UUID]) -> Criterion:
    """Return the criterion with each merged label replaced by the one that it was merged into.

    `merged` maps a label to the last one of its chain. The facts must be resolved in the same way, to the last label of
    each chain. Segments are resolved inside, if they were inlined.
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
            others = None if among is None else _unique(among, merged)
            return replace(node, label=merged.get(label, label), among=others)
        case MoreClicks(label, than):
            return replace(node, label=merged.get(label, label), than=merged.get(than, than))
        case _:
            return node


def _unique(labels: tuple[UUID, ...], merged: Mapping[UUID, UUID]) -> tuple[UUID, ...]:
    return tuple(dict.fromkeys(merged.get(label, label) for label in labels))
