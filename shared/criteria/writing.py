"""From a criterion to JSON, always in the long form."""

from typing import Any

from shared.criteria.grammar import (
    All,
    AnyOf,
    Clicked,
    Count,
    Criterion,
    Engaged,
    FieldCompared,
    FixedDays,
    HoldsLabel,
    InSegment,
    Not,
    OlderThanDays,
    Period,
    WithinDays,
)


def write(criterion: Criterion) -> dict[str, Any]:
    """The criterion as JSON values, in the long form; segments stay references, inlined or not."""
    match criterion:
        case All(parts):
            return {"all": [write(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [write(part) for part in parts]}
        case Not(part):
            return {"not": write(part)}
        case HoldsLabel(labels, period, listed):
            named = {"any_of": [str(label) for label in labels]} if listed else {"id": str(labels[0])}
            return {"label": named | write_period(period)}
        case Clicked(selector, target, count, period):
            selected = {selector: str(target)} if selector else {}
            return {"clicks": selected | _count(count) | write_period(period)}
        case Engaged(kind, ref, message, send, count, period):
            what = {"kind": kind, "ref": ref, "message": str(message) if message else None, "send": send}
            given = {name: value for name, value in what.items() if value is not None}
            return {"engaged": given | _count(count) | write_period(period)}
        case FieldCompared(key, operator, operand):
            return {"field": {"key": key, operator: list(operand) if isinstance(operand, tuple) else operand}}
        case InSegment(segment):
            return {"segment": {"id": str(segment)}}


def write_period(period: Period | None) -> dict[str, Any]:
    """The members of a node that say its period."""
    match period:
        case None:
            return {}
        case WithinDays(days):
            return {"within_days": days}
        case OlderThanDays(days):
            return {"older_than_days": days}
        case FixedDays(first, last):
            ends = {"from": first, "to": last}
            return {name: day.isoformat() for name, day in ends.items() if day is not None}


def _count(count: Count) -> dict[str, int]:
    return {count.comparison: count.number}
