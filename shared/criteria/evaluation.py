"""Evaluates a criterion for one contact, with the values that every node read."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from shared.criteria.comparing import normal, number, parse_day, same
from shared.criteria.days import day_in
from shared.criteria.facts import Facts, LabelClicks
from shared.criteria.grammar import (
    All,
    AnyOf,
    Clicked,
    ContactCreated,
    ContactIs,
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
from shared.criteria.sampling import sampled
from shared.criteria.writing import write
from shared.events.labeling import Scalar


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A node, whether it is true, the values that it read, and its parts. An inlined segment is part of its node."""

    truth: bool
    node: Criterion
    saw: dict[str, Any] = field(default_factory=dict)
    parts: tuple["Evaluation", ...] = ()

    def tree(self) -> dict[str, Any]:
        """Return JSON values: pointer, kind, asked (leaves), truth, saw, parts. Pointers in a segment are relative to
        it."""
        [(kind, asked)] = write(self.node).items()
        shown: dict[str, Any] = {"pointer": self.node.pointer, "kind": kind, "truth": self.truth}
        if not isinstance(self.node, All | AnyOf | Not):
            shown["asked"] = asked
        if self.saw:
            shown["saw"] = self.saw
        if self.parts:
            shown["parts"] = [part.tree() for part in self.parts]
        return shown

    def as_written(self, written: Criterion) -> "Evaluation":
        """Return the evaluation with the nodes of `written`, which correspond one to one to the evaluated nodes."""
        match written:
            case All(nodes) | AnyOf(nodes):
                children: tuple[Criterion, ...] = nodes
            case Not(node):
                children = (node,)
            case InSegment(_, inner) if inner is not None:
                children = (inner,)
            case _:
                children = ()
        parts = tuple(part.as_written(node) for part, node in zip(self.parts, children, strict=True))
        return replace(self, node=written, parts=parts)


def evaluate(criterion: Criterion, facts: Facts, today: date) -> Evaluation:
    """Evaluate for one contact, as of the account's day `today`. Every node is evaluated.

    Segments must have been inlined (ValueError if not). For an unknown contact the root is always false.
    """
    result = _evaluate(criterion, facts, today)
    if result.truth and not facts.known:
        return Evaluation(truth=False, node=result.node, saw=result.saw | {"known": False}, parts=result.parts)
    return result


def _evaluate(node: Criterion, facts: Facts, today: date) -> Evaluation:
    match node:
        case All(parts):
            evaluated = tuple(_evaluate(part, facts, today) for part in parts)
            return Evaluation(all(part.truth for part in evaluated), node, parts=evaluated)
        case AnyOf(parts):
            evaluated = tuple(_evaluate(part, facts, today) for part in parts)
            return Evaluation(any(part.truth for part in evaluated), node, parts=evaluated)
        case Not(part):
            inner = _evaluate(part, facts, today)
            return Evaluation(not inner.truth, node, parts=(inner,))
        case InSegment(segment, criterion):
            if criterion is None:
                raise ValueError(f"segment {segment} was not inlined")
            inner = _evaluate(criterion, facts, today)
            return Evaluation(inner.truth, node, parts=(inner,))
        case _:
            return _leaf(node, facts, today)


def _leaf(node: Criterion, facts: Facts, today: date) -> Evaluation:
    match node:
        case HoldsLabel():
            return _label(node, facts, today)
        case Clicked():
            return _clicks(node, facts, today)
        case Engaged(period=period, count=count):
            first, last = _bounds(period, today)
            matching = facts.engagements(node, first, last)
            return Evaluation(count.holds(matching), node, {"count": matching} | _days(first, last))
        case TopLabel():
            return _top_label(node, facts, today)
        case MoreClicks():
            return _more_clicks(node, facts, today)
        case Sampled(percent, seed):
            return Evaluation(sampled(seed, percent, facts.contact_id), node, {"contact_id": facts.contact_id})
        case _:
            return _attribute(node, facts, today)


def _attribute(node: Criterion, facts: Facts, today: date) -> Evaluation:
    match node:
        case FieldCompared(key, operator, operand):
            value = facts.value(key)
            return Evaluation(compare(operator, value, operand), node, {"value": value})
        case FieldDay(key, window):
            value = facts.value(key)
            day = parse_day(value)
            return Evaluation(day is not None and day_in(window, day, today), node, {"value": value})
        case ContactIs(attribute, values):
            text = facts.attribute(attribute)
            return Evaluation(any(same(text, one) for one in values), node, {"value": text})
        case ContactCreated(period):
            created = facts.created
            truth = created is not None and day_in(period, created, today)
            return Evaluation(truth, node, {"created": created and created.isoformat()})
        case _:
            raise TypeError(f"{type(node).__name__} is not a leaf")


def _clicks(node: Clicked, facts: Facts, today: date) -> Evaluation:
    first, last = _bounds(node.period, today)
    refused = isinstance(node.target, UUID) and node.selector == "label" and facts.refused(node.target)
    matching = 0 if refused and not node.refused else facts.clicks(node, first, last)
    saw: dict[str, Any] = {"count": matching} | _days(first, last)
    return Evaluation(node.count.holds(matching), node, saw | ({"refused": True} if refused else {}))


def _more_clicks(node: MoreClicks, facts: Facts, today: date) -> Evaluation:
    first, last = _bounds(node.period, today)
    clicked = _label_clicks((node.label, node.than), facts, first, last)
    label, than = (clicked[one].number if one in clicked else 0 for one in (node.label, node.than))
    truth = label > than if node.times is None else label >= max(1, node.times * than)
    return Evaluation(truth, node, {"label": label, "than": than} | _days(first, last))


def _top_label(node: TopLabel, facts: Facts, today: date) -> Evaluation:
    first, last = _bounds(node.period, today)
    among = None if node.among is None else tuple({node.label, *node.among})
    clicked = _label_clicks(among, facts, first, last)
    ranked = sorted(clicked, key=lambda label: (-clicked[label].number, -clicked[label].last.toordinal(), label.int))
    top = [
        {"label_id": str(label), "count": clicked[label].number, "last": clicked[label].last.isoformat()}
        for label in ranked[:5]
    ]
    return Evaluation(ranked[:1] == [node.label], node, {"top": top} | _days(first, last))


def _label_clicks(
    labels: tuple[UUID, ...] | None, facts: Facts, first: date | None, last: date | None
) -> dict[UUID, LabelClicks]:
    clicks = facts.label_clicks(labels, first, last)
    return {label: clicked for label, clicked in clicks.items() if not facts.refused(label)}


def _label(node: HoldsLabel, facts: Facts, today: date) -> Evaluation:
    first, last = _bounds(node.period, today)
    held = {label: since for label in node.labels if (since := facts.label_since(label)) is not None}
    truth = any((first is None or first <= since) and (last is None or since <= last) for since in held.values())
    shown = [{"label_id": str(label), "since": since.isoformat()} for label, since in held.items()]
    return Evaluation(truth, node, {"held": shown} | _days(first, last))


def _bounds(period: Period | None, today: date) -> tuple[date | None, date | None]:
    return (None, None) if period is None else period.bounds(today)


def _days(first: date | None, last: date | None) -> dict[str, str]:
    return {name: day.isoformat() for name, day in (("from", first), ("to", last)) if day is not None}


def compare(operator: Operator, value: Scalar | None, operand: Scalar | tuple[Scalar, ...]) -> bool:
    """Return whether a field's value (None if it has none) satisfies the operator with its operand."""
    operands = operand if isinstance(operand, tuple) else (operand,)
    match operator:
        case "is":
            return same(value, operands[0])
        case "is_not":
            return not same(value, operands[0])
        case "in":
            return any(same(value, one) for one in operands)
        case "exists":
            return (value is not None) == operands[0]
        case "starts_with":
            return isinstance(value, str) and normal(value).startswith(normal(str(operands[0])))
        case _:
            return value is not None and _ordered(operator, value, operands)


def _ordered(operator: Operator, value: Scalar, operands: Iterable[Scalar]) -> bool:
    numbers = [number(one) for one in (value, *operands)]
    days = [parse_day(one) for one in (value, *operands)]
    values = [one for one in numbers if one is not None] or [float(one.toordinal()) for one in days if one is not None]
    if len(values) != len(numbers):
        return False
    if operator in ("less_than", "before"):
        return values[0] < values[1]
    if operator in ("greater_than", "after"):
        return values[0] > values[1]
    return values[1] <= values[0] <= values[2]
