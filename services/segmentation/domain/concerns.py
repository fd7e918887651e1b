"""Finds the facts on which the truth of a criterion depends, by name."""

from uuid import UUID

from services.segmentation.domain.evaluator import name_of
from services.segmentation.domain.slice import CLICKED, NONE_MERGED, REFUSED, Name
from shared.criteria import MergedLabels
from shared.criteria.grammar import (
    Clicked,
    ContactCreated,
    ContactIs,
    Criterion,
    Engaged,
    FieldCompared,
    FieldDay,
    HoldsLabel,
    MoreClicks,
    TopLabel,
)
from shared.criteria.references import walk

KNOWN: Name = ("known",)


def concerns(criterion: Criterion, merged: MergedLabels = NONE_MERGED) -> frozenset[Name]:
    """Return the names, as in `Touched.names`, on which the criterion's truth depends.

    Every criterion depends on the known contacts. The names of inlined segments are included, and so are those of
    labels that were merged with a label that the criterion names.
    """
    names: set[Name] = {KNOWN}
    for node in walk(criterion, into_segments=True):
        names.update(_of_interest(node) or _of_attributes(node))
    return frozenset(names if not merged else (alike for name in names for alike in _alike(name, merged)))


def _alike(name: Name, merged: MergedLabels) -> list[Name]:
    """Return the name, and the same names for all labels that were merged with its label."""
    if name[0] not in ("label", "click.label") or not isinstance(name[1], int):
        return [name]
    names: list[Name] = [(name[0], label.int) for label in merged.alike(UUID(int=name[1]))]
    # Whether a contact refuses the label also depends on the labels that it was merged with.
    held_labels: list[Name] = (
        [("label", number) for kind, number in names if kind == "click.label"] if len(names) > 1 else []
    )
    return names + held_labels


def _of_interest(node: Criterion) -> set[Name]:
    match node:
        case HoldsLabel(labels):
            return {("label", label.int) for label in labels}
        case Clicked(selector):
            counted = CLICKED if selector == "url_starts_with" else name_of(node)
            return {counted, REFUSED} if selector == "label" and not node.refused else {counted}
        case Engaged(kind):
            return {("engaged", kind)}
        case TopLabel(label, among):
            clicked = {CLICKED} if among is None else {("click.label", one.int) for one in (label, *among)}
            return {REFUSED} | clicked
        case MoreClicks(label, than):
            return {REFUSED, ("click.label", label.int), ("click.label", than.int)}
        case _:
            return set()


def _of_attributes(node: Criterion) -> set[Name]:
    match node:
        case FieldCompared(key) | FieldDay(key):
            return {("field", key)}
        case ContactIs(attribute):
            return {("attribute", attribute)}
        case ContactCreated():
            return {("created",)}
        case _:
            return set()
