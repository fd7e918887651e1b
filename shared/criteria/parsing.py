"""Parses criteria from JSON, with a pointer to every invalid node."""

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from shared.criteria.grammar import (
    MAX_LEVELS,
    MAX_NODES,
    MAX_TIMES,
    MAX_WITHIN_DAYS,
    All,
    AnniversaryWithinDays,
    AnyOf,
    Attribute,
    Clicked,
    ContactCreated,
    ContactIs,
    Criterion,
    Engaged,
    FieldCompared,
    FieldDay,
    FixedDays,
    HoldsLabel,
    InNextDays,
    InSegment,
    InvalidCriterion,
    MoreClicks,
    Not,
    Operator,
    Sampled,
    Selector,
    TopLabel,
)
from shared.criteria.members import COMPARISONS, PERIODS, MemberReader
from shared.pointers import deeper

SELECTORS = ("label", "message", "link", "send", "url", "url_starts_with")
OPERATORS = (
    "is",
    "is_not",
    "in",
    "less_than",
    "greater_than",
    "between",
    "before",
    "after",
    "exists",
    "starts_with",
)
ATTRIBUTES = ("email_domain", "language", "source", "subscription")
DAY_WINDOWS = ("in_next_days", "anniversary_within_days")

NOBODY = AnyOf(())  # in place of a node that could not be read: its siblings are still checked


def parse(value: object) -> Criterion:
    """Read a criterion from parsed JSON. Raises InvalidCriterion with every fault that was found."""
    parser = _Parser()
    criterion = parser.node(value, "", 1)
    if parser.faults:
        raise InvalidCriterion(tuple(parser.faults))
    return criterion


class _Parser(MemberReader):
    def __init__(self) -> None:
        super().__init__()
        self.nodes = 0
        self.kinds: dict[str, Callable[[Any, str, int], Criterion]] = {
            "all": self.all,
            "any": self.any,
            "not": self.negation,
            "label": self.label,
            "clicks": self.clicks,
            "engaged": self.engaged,
            "field": self.field,
            "contact": self.contact,
            "top_label": self.top_label,
            "more_clicks": self.more_clicks,
            "sample": self.sample,
            "segment": self.segment,
        }

    def node(self, value: object, pointer: str, level: int) -> Criterion:
        self.nodes += 1
        if self.nodes == MAX_NODES + 1:
            self.fault(pointer, f"a criterion has at most {MAX_NODES} nodes")
        if level > MAX_LEVELS:
            self.fault(pointer, f"a criterion has at most {MAX_LEVELS} levels")
        if self.nodes > MAX_NODES or level > MAX_LEVELS:
            return NOBODY
        if not isinstance(value, dict):
            self.fault(pointer, "a node is an object with one member, its kind")
            return NOBODY
        if len(value) != 1:
            self.fault(pointer, f"a node has exactly one member, its kind; this one has {len(value)}")
            return NOBODY
        [(kind, body)] = value.items()
        parse_body = self.kinds.get(kind)
        if parse_body is None:
            self.unknown(deeper(pointer, kind), kind, "kind", tuple(self.kinds))
            return NOBODY
        return parse_body(body, pointer, level)

    def parts(self, body: object, pointer: str, level: int) -> tuple[Criterion, ...]:
        if not isinstance(body, list):
            self.fault(pointer, "a list of nodes is required")
            return ()
        return tuple(self.node(part, deeper(pointer, index), level + 1) for index, part in enumerate(body))

    def all(self, body: object, pointer: str, level: int) -> Criterion:
        return All(self.parts(body, deeper(pointer, "all"), level), pointer=pointer)

    def any(self, body: object, pointer: str, level: int) -> Criterion:
        return AnyOf(self.parts(body, deeper(pointer, "any"), level), pointer=pointer)

    def negation(self, body: object, pointer: str, level: int) -> Criterion:
        return Not(self.node(body, deeper(pointer, "not"), level + 1), pointer=pointer)

    def label(self, body: object, pointer: str, level: int) -> Criterion:
        here = deeper(pointer, "label")
        if isinstance(body, str):
            return HoldsLabel(self.uuids([body], [here]), pointer=pointer)
        members = self.members(body, here, ("id", "any_of", *PERIODS))
        if ("id" in members) == ("any_of" in members):
            self.fault(here, "exactly one of id and any_of is required")
            return NOBODY
        if "id" in members:
            labels = self.uuids([members["id"]], [deeper(here, "id")])
        else:
            labels = self.label_list(members["any_of"], deeper(here, "any_of"))
        return HoldsLabel(labels, self.period(members, here), "any_of" in members, pointer=pointer)

    def clicks(self, body: object, pointer: str, level: int) -> Criterion:
        here = deeper(pointer, "clicks")
        members = self.members(body, here, (*SELECTORS, *COMPARISONS, *PERIODS, "refused"))
        present = [name for name in SELECTORS if name in members]
        for name in present[1:]:
            self.fault(deeper(here, name), f"only one selector is allowed; {present[0]} is already given")
        selector = cast(Selector, present[0]) if present else None
        target: UUID | str | None = None
        if selector in ("label", "message", "link"):
            target = self.uuid(members[selector], deeper(here, selector))
        elif selector is not None:
            target = self.text(members, here, selector)
        refused = "refused" in members and self.boolean(members["refused"], deeper(here, "refused"))
        if "refused" in members and selector != "label":
            self.fault(deeper(here, "refused"), "refused can only be used with a label")
        count, period = self.count(members, here), self.period(members, here)
        return Clicked(selector, target, count, period, refused, pointer=pointer)

    def engaged(self, body: object, pointer: str, level: int) -> Criterion:
        here = deeper(pointer, "engaged")
        members = self.members(body, here, ("kind", "ref", "message", "send", *COMPARISONS, *PERIODS))
        if "kind" not in members:
            self.fault(here, "a kind is required")
            return NOBODY
        return Engaged(
            self.text(members, here, "kind") or "",
            self.text(members, here, "ref"),
            self.uuid(members["message"], deeper(here, "message")) if "message" in members else None,
            self.text(members, here, "send"),
            self.count(members, here),
            self.period(members, here),
            pointer=pointer,
        )

    def field(self, body: object, pointer: str, level: int) -> Criterion:
        here = deeper(pointer, "field")
        members = self.members(body, here, ("key", *OPERATORS, *DAY_WINDOWS, *PERIODS))
        if "key" not in members:
            self.fault(here, "the key of a field is required")
        key = self.text(members, here, "key") or ""
        present = [name for name in (*OPERATORS, *DAY_WINDOWS) if name in members]
        if not present and any(name in members for name in PERIODS):
            return FieldDay(key, self.period(members, here) or FixedDays(None, None), pointer=pointer)
        if len(present) != 1 or any(name in members for name in PERIODS):
            operators = ", ".join((*OPERATORS, *DAY_WINDOWS, *PERIODS))
            self.fault(here, f"exactly one of {operators} is required (only from and to can be combined)")
            return NOBODY
        if present[0] in DAY_WINDOWS:
            days = self.integer(members[present[0]], deeper(here, present[0]), 1, MAX_WITHIN_DAYS)
            window = InNextDays(days) if present[0] == "in_next_days" else AnniversaryWithinDays(days)
            return FieldDay(key, window, pointer=pointer)
        operator = cast(Operator, present[0])
        operand = self.operand(operator, members[operator], deeper(here, operator))
        return FieldCompared(key, operator, operand, pointer=pointer)

    def contact(self, body: object, pointer: str, level: int) -> Criterion:
        here = deeper(pointer, "contact")
        members = self.members(body, here, (*ATTRIBUTES, "created"))
        if len(members) != 1:
            self.fault(here, f"exactly one of {', '.join((*ATTRIBUTES, 'created'))} is required")
            return NOBODY
        [(name, value)] = members.items()
        if name == "created":
            place = deeper(here, "created")
            period = self.period(self.members(value, place, PERIODS), place)
            if period is None:
                self.fault(place, f"a period is required: one of {', '.join(PERIODS)}")
                return NOBODY
            return ContactCreated(period, pointer=pointer)
        values = self.texts(value, deeper(here, name))
        return ContactIs(cast(Attribute, name), values, isinstance(value, list), pointer=pointer)

    def top_label(self, body: object, pointer: str, level: int) -> Criterion:
        here = deeper(pointer, "top_label")
        members = self.members(body, here, ("id", "among", *PERIODS))
        if "id" not in members:
            self.fault(here, "the id of a label is required")
            return NOBODY
        among = self.label_list(members["among"], deeper(here, "among")) if "among" in members else None
        return TopLabel(
            self.uuid(members["id"], deeper(here, "id")), among, self.period(members, here), pointer=pointer
        )

    def more_clicks(self, body: object, pointer: str, level: int) -> Criterion:
        here = deeper(pointer, "more_clicks")
        members = self.members(body, here, ("label", "than", "times", *PERIODS))
        missing = [name for name in ("label", "than") if name not in members]
        for name in missing:
            self.fault(here, f"{name}, the id of a label, is required")
        if missing:
            return NOBODY
        label, than = (self.uuid(members[name], deeper(here, name)) for name in ("label", "than"))
        if label == than:
            self.fault(deeper(here, "than"), "must be a label other than the first one")
        times = self.integer(members["times"], deeper(here, "times"), 1, MAX_TIMES) if "times" in members else None
        return MoreClicks(label, than, times, self.period(members, here), pointer=pointer)

    def sample(self, body: object, pointer: str, level: int) -> Criterion:
        here = deeper(pointer, "sample")
        members = self.members(body, here, ("percent", "seed"))
        for name in ("percent", "seed"):
            if name not in members:
                self.fault(here, f"{name} is required")
        percent = self.number(members.get("percent", 100), deeper(here, "percent"))
        if not 0 < percent <= 100:
            self.fault(deeper(here, "percent"), "a number greater than 0 and at most 100 is required")
        return Sampled(percent, self.text(members, here, "seed") or "", pointer=pointer)

    def segment(self, body: object, pointer: str, level: int) -> Criterion:
        here = deeper(pointer, "segment")
        if isinstance(body, str):
            return InSegment(self.uuid(body, here), pointer=pointer)
        members = self.members(body, here, ("id",))
        if "id" not in members:
            self.fault(here, "the id of a segment is required")
            return NOBODY
        return InSegment(self.uuid(members["id"], deeper(here, "id")), pointer=pointer)
