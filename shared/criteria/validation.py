"""Checks that the things that a criterion names exist, and that its operators fit the fields."""

from collections.abc import Callable
from typing import Literal, Protocol, get_args
from uuid import UUID

from shared.criteria.comparing import normal, number, parse_day
from shared.criteria.cost import MOST_COST, TOO_EXPENSIVE, cost_of
from shared.criteria.grammar import (
    Clicked,
    ContactIs,
    Criterion,
    Engaged,
    Fault,
    FieldCompared,
    FieldDay,
    HoldsLabel,
    InSegment,
    InvalidCriterion,
    MoreClicks,
    TopLabel,
)
from shared.criteria.references import inline_segments, walk
from shared.events.labeling import FieldType, Scalar, Subscription

Existence = Literal["known", "deleted", "merged", "unknown"]

# The operators of each type of field. All types also have is, is_not, in and exists.
_OPERATORS: dict[str, tuple[str, ...]] = {
    "starts_with": ("text", "choice"),
    "less_than": ("number",),
    "greater_than": ("number",),
    "before": ("date",),
    "after": ("date",),
    "between": ("number", "date"),
}


class Lookup(Protocol):
    """Looks up the things of an account, as far as the service has read them."""

    def label(self, label_id: UUID) -> Existence:
        """Return whether the label exists; hidden labels do."""

    def message(self, message_id: UUID) -> Existence:
        """Return whether the message exists."""

    def link(self, link_id: UUID) -> Existence:
        """Return whether the link exists; links that were removed from their message still do."""

    def field(self, key: str) -> tuple[FieldType, tuple[str, ...]] | None:
        """Return the type and the choices of a field; None if it does not exist or was deleted."""

    def segment(self, segment_id: UUID) -> Criterion | None:
        """Return the criterion of a segment; None if it does not exist or was deleted."""


def validate(criterion: Criterion, lookup: Lookup, *, writing: bool = True) -> tuple[Fault, ...]:
    """Return all faults of the things that the criterion names; empty if it can be used.

    `writing`: the criterion is being written. A stored one stays usable after a choice of a field was removed.
    """
    faults = [
        fault for node in walk(criterion) for fault in _node_faults(node, lookup) if writing or not fault.on_writing
    ]
    if not faults:
        try:
            inlined = inline_segments(criterion, lookup.segment)
        except InvalidCriterion as invalid:
            faults += invalid.faults
        else:
            if writing and cost_of(inlined) > MOST_COST:
                faults.append(Fault("", TOO_EXPENSIVE))
    return tuple(faults)


def _node_faults(node: Criterion, lookup: Lookup) -> list[Fault]:
    match node:
        case HoldsLabel(labels):
            return _label_faults(node, labels, lookup)
        case Clicked() | Engaged():
            return _target_faults(node, lookup)
        case TopLabel() | MoreClicks():
            return _compared_label_faults(node, lookup)
        case FieldCompared():
            return _field_faults(node, lookup)
        case FieldDay():
            return _field_day_faults(node, lookup)
        case ContactIs("subscription"):
            return _subscription_faults(node)
        case InSegment(segment) if lookup.segment(segment) is None:
            return [Fault(f"{node.pointer}/segment/id", f"there is no segment {segment}")]
        case _:
            return []


def _target_faults(node: Clicked | Engaged, lookup: Lookup) -> list[Fault]:
    if isinstance(node, Engaged):
        if node.message is None:
            return []
        existence = lookup.message(node.message)
        return _existence_faults(f"{node.pointer}/engaged/message", "message", node.message, existence)
    if node.selector is None or not isinstance(node.target, UUID):
        return []
    existence_of: dict[str, Callable[[UUID], Existence]] = {
        "label": lookup.label,
        "message": lookup.message,
        "link": lookup.link,
    }
    existence = existence_of[node.selector](node.target)
    return _existence_faults(f"{node.pointer}/clicks/{node.selector}", node.selector, node.target, existence)


def _existence_faults(pointer: str, what: str, thing_id: UUID, existence: Existence) -> list[Fault]:
    if existence == "known":
        return []
    if existence == "unknown":
        return [Fault(pointer, f"there is no {what} {thing_id}")]
    return [Fault(pointer, f"{what} {thing_id} was {existence}")]


def _label_faults(node: HoldsLabel, labels: tuple[UUID, ...], lookup: Lookup) -> list[Fault]:
    faults: list[Fault] = []
    for index, label in enumerate(labels):
        where = f"any_of/{index}" if node.listed else "id"
        faults += _existence_faults(f"{node.pointer}/label/{where}", "label", label, lookup.label(label))
    return faults


def _compared_label_faults(node: TopLabel | MoreClicks, lookup: Lookup) -> list[Fault]:
    if isinstance(node, TopLabel):
        named = {"top_label/id": node.label} | {
            f"top_label/among/{index}": label for index, label in enumerate(node.among or ())
        }
    else:
        named = {"more_clicks/label": node.label, "more_clicks/than": node.than}
    return [
        fault
        for where, label in named.items()
        for fault in _existence_faults(f"{node.pointer}/{where}", "label", label, lookup.label(label))
    ]


def _subscription_faults(node: ContactIs) -> list[Fault]:
    known = get_args(Subscription)
    where = f"{node.pointer}/contact/subscription"
    return [
        Fault(f"{where}/{index}" if node.listed else where, f"must be one of: {', '.join(known)}")
        for index, value in enumerate(node.values)
        if value not in known
    ]


def _field_day_faults(node: FieldDay, lookup: Lookup) -> list[Fault]:
    here = f"{node.pointer}/field"
    field = lookup.field(node.key)
    if field is None:
        return [Fault(f"{here}/key", f"there is no field {node.key}")]
    if field[0] != "date":
        return [Fault(here, f"days can only be compared in a field of type date; {node.key} is of type {field[0]}")]
    return []


def _field_faults(node: FieldCompared, lookup: Lookup) -> list[Fault]:
    here = f"{node.pointer}/field"
    field = lookup.field(node.key)
    if field is None:
        return [Fault(f"{here}/key", f"there is no field {node.key}")]
    kind, choices = field
    fitting_types = _OPERATORS.get(node.operator)
    if fitting_types is not None and kind not in fitting_types:
        return [Fault(f"{here}/{node.operator}", f"{node.operator} cannot be used with a field of type {kind}")]
    if node.operator in ("exists", "starts_with"):
        return []
    if node.operator == "between" and isinstance(node.operand, tuple) and _is_reversed(node.operand):
        detail = "the first value must not be greater than the second"
        return [Fault(f"{here}/between", detail, on_writing=True)]
    if not isinstance(node.operand, tuple):
        return _operand_faults(f"{here}/{node.operator}", node.operand, kind, choices)
    return [
        fault
        for index, operand in enumerate(node.operand)
        for fault in _operand_faults(f"{here}/{node.operator}/{index}", operand, kind, choices)
    ]


def _operand_faults(pointer: str, operand: Scalar, kind: FieldType, choices: tuple[str, ...]) -> list[Fault]:
    numeric = isinstance(operand, int | float) and not isinstance(operand, bool)
    fits = {
        "text": isinstance(operand, str),
        "choice": isinstance(operand, str),
        "number": numeric,
        "boolean": isinstance(operand, bool),
        "date": parse_day(operand) is not None,
    }
    needs = {
        "text": "a text",
        "choice": f"one of {', '.join(choices)}",
        "number": "a number",
        "boolean": "true or false",
        "date": "a day in the format YYYY-MM-DD",
    }
    if not fits[kind]:
        return [Fault(pointer, f"the field is of type {kind}: {needs[kind]} is required")]
    if kind == "choice" and normal(str(operand)) not in map(normal, choices):
        detail = f"the field has no such choice: {needs[kind]} is required"
        return [Fault(pointer, detail, on_writing=True)]
    return []


def _is_reversed(ends: tuple[Scalar, ...]) -> bool:
    lowest, highest = (parse_day(end) for end in ends)
    if lowest is not None and highest is not None:
        return lowest > highest
    return (number(ends[0]) or 0.0) > (number(ends[1]) or 0.0)
