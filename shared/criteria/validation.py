"""Whether what a criterion names exists, and whether its operators fit the fields."""

from collections.abc import Callable
from typing import Literal, Protocol
from uuid import UUID

from shared.criteria.comparing import parse_day
from shared.criteria.grammar import (
    Clicked,
    Criterion,
    Engaged,
    Fault,
    FieldCompared,
    HoldsLabel,
    InSegment,
    InvalidCriterion,
)
from shared.criteria.references import inline_segments, walk
from shared.events.labeling import FieldType, Scalar

Existence = Literal["known", "deleted", "merged", "unknown"]

# Which operators a field's type takes. All types take is, is_not, in and exists.
_OPERATORS: dict[str, tuple[str, ...]] = {
    "starts_with": ("text", "choice"),
    "less_than": ("number",),
    "greater_than": ("number",),
    "before": ("date",),
    "after": ("date",),
    "between": ("number", "date"),
}


class Lookup(Protocol):
    """What an account has, as far as whoever asks knows it."""

    def label(self, label_id: UUID) -> Existence:
        """Whether there is such a label; hidden ones are known."""

    def message(self, message_id: UUID) -> Existence:
        """Whether there is such a message."""

    def link(self, link_id: UUID) -> Existence:
        """Whether there is such a link; those that vanished from their message are known."""

    def field(self, key: str) -> tuple[FieldType, tuple[str, ...]] | None:
        """The type of a field, and its choices; None if there is none, or it was deleted."""

    def segment(self, segment_id: UUID) -> Criterion | None:
        """The criterion of a segment; None if there is none, or it was deleted."""


def validate(criterion: Criterion, lookup: Lookup) -> tuple[Fault, ...]:
    """Everything that is wrong with what the criterion names; nothing if it can be used."""
    faults: list[Fault] = []
    for node in walk(criterion):
        match node:
            case HoldsLabel(labels):
                faults += _labels(node, labels, lookup)
            case Clicked(selector, UUID() as target) if selector is not None:
                ask: dict[str, Callable[[UUID], Existence]] = {
                    "label": lookup.label,
                    "message": lookup.message,
                    "link": lookup.link,
                }
                faults += _existence(f"{node.pointer}/clicks/{selector}", selector, target, ask[selector](target))
            case Engaged(message=UUID() as message):
                faults += _existence(f"{node.pointer}/engaged/message", "message", message, lookup.message(message))
            case FieldCompared():
                faults += _field(node, lookup)
            case InSegment(segment) if lookup.segment(segment) is None:
                faults.append(Fault(f"{node.pointer}/segment/id", f"there is no segment {segment}"))
            case _:
                pass
    if not faults:
        try:
            inline_segments(criterion, lookup.segment)
        except InvalidCriterion as invalid:
            faults += invalid.faults
    return tuple(faults)


def _existence(pointer: str, what: str, named: UUID, existence: Existence) -> list[Fault]:
    if existence == "known":
        return []
    if existence == "unknown":
        return [Fault(pointer, f"there is no {what} {named}")]
    return [Fault(pointer, f"{what} {named} was {existence}")]


def _labels(node: HoldsLabel, labels: tuple[UUID, ...], lookup: Lookup) -> list[Fault]:
    faults: list[Fault] = []
    for index, label in enumerate(labels):
        where = f"any_of/{index}" if node.listed else "id"
        faults += _existence(f"{node.pointer}/label/{where}", "label", label, lookup.label(label))
    return faults


def _field(node: FieldCompared, lookup: Lookup) -> list[Fault]:
    here = f"{node.pointer}/field"
    found = lookup.field(node.key)
    if found is None:
        return [Fault(f"{here}/key", f"there is no field {node.key}")]
    kind, choices = found
    fitting = _OPERATORS.get(node.operator)
    if fitting is not None and kind not in fitting:
        return [Fault(f"{here}/{node.operator}", f"{node.operator} is not for a field of type {kind}")]
    if node.operator in ("exists", "starts_with"):
        return []
    if not isinstance(node.operand, tuple):
        return _operand(f"{here}/{node.operator}", node.operand, kind, choices)
    return [
        fault
        for index, operand in enumerate(node.operand)
        for fault in _operand(f"{here}/{node.operator}/{index}", operand, kind, choices)
    ]


def _operand(pointer: str, operand: Scalar, kind: FieldType, choices: tuple[str, ...]) -> list[Fault]:
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
        "date": "a day, as YYYY-MM-DD",
    }
    if not fits[kind]:
        return [Fault(pointer, f"the field is of type {kind}: {needs[kind]} is needed")]
    return []
