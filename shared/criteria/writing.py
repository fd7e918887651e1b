"""Writes criteria as JSON, always in the long form."""

from typing import Any

from shared.criteria.grammar import (
    All,
    AnniversaryWithinDays,
    AnyOf,
    Clicked,
    ContactCreated,
    ContactIs,
    Count,
    Criterion,
    Engaged,
    FieldCompared,
    FieldDay,
    FixedDays,
    HoldsLabel,
    InNextDays,
    InSegment,
    MoreClicks,
    Not,
    OlderThanDays,
    Period,
    Sampled,
    TopLabel,
    WithinDays,
)


def write(criterion: Criterion) -> dict[str, Any]:
    """Return the criterion as JSON values, in the long form; segments stay references, inlined or not."""
    match criterion:
        case All() | AnyOf() | Not():
            return _tree(criterion)
        case HoldsLabel() | Clicked() | Engaged() | TopLabel() | MoreClicks():
            return _interest(criterion)
        case FieldCompared() | FieldDay() | ContactIs() | ContactCreated():
            return _attribute(criterion)
        case Sampled(percent, seed):
            return {"sample": {"percent": percent, "seed": seed}}
        case InSegment(segment):
            return {"segment": {"id": str(segment)}}


def _tree(criterion: All | AnyOf | Not) -> dict[str, Any]:
    match criterion:
        case All(parts):
            return {"all": [write(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [write(part) for part in parts]}
        case Not(part):
            return {"not": write(part)}


def _interest(criterion: HoldsLabel | Clicked | Engaged | TopLabel | MoreClicks) -> dict[str, Any]:
    match criterion:
        case HoldsLabel(labels, period, listed):
            label_ids = {"any_of": [str(label) for label in labels]} if listed else {"id": str(labels[0])}
            return {"label": label_ids | write_period(period)}
        case Clicked(selector, target, count, period, refused):
            selected = {selector: str(target)} if selector else {}
            refused_member = {"refused": True} if refused else {}
            return {"clicks": selected | _count(count) | write_period(period) | refused_member}
        case Engaged(kind, ref, message, send, count, period):
            members = {"kind": kind, "ref": ref, "message": str(message) if message else None, "send": send}
            present = {name: value for name, value in members.items() if value is not None}
            return {"engaged": present | _count(count) | write_period(period)}
        case TopLabel(label, among, period):
            others = {} if among is None else {"among": [str(label_id) for label_id in among]}
            return {"top_label": {"id": str(label)} | others | write_period(period)}
        case MoreClicks(label, than, times, period):
            factor = {} if times is None else {"times": times}
            return {"more_clicks": {"label": str(label), "than": str(than)} | factor | write_period(period)}


def _attribute(criterion: FieldCompared | FieldDay | ContactIs | ContactCreated) -> dict[str, Any]:
    match criterion:
        case FieldCompared(key, operator, operand):
            return {"field": {"key": key, operator: list(operand) if isinstance(operand, tuple) else operand}}
        case FieldDay(key, window):
            return {"field": {"key": key} | _window(window)}
        case ContactIs(attribute, values, listed):
            return {"contact": {attribute: list(values) if listed else values[0]}}
        case ContactCreated(period):
            return {"contact": {"created": write_period(period)}}


def _window(window: Period | InNextDays | AnniversaryWithinDays) -> dict[str, Any]:
    match window:
        case InNextDays(days):
            return {"in_next_days": days}
        case AnniversaryWithinDays(days):
            return {"anniversary_within_days": days}
        case _:
            return write_period(window)


def write_period(period: Period | None) -> dict[str, Any]:
    """Return the members of a node that describe its period."""
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
