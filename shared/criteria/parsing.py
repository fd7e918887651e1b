"""From JSON to a criterion, with a pointer to every wrong node."""

from collections.abc import Callable, Mapping
from datetime import date
from math import isfinite
from typing import Any, Literal, cast
from uuid import UUID

from shared.criteria.comparing import parse_day
from shared.criteria.grammar import (
    MAX_COUNT,
    MAX_LEVELS,
    MAX_NODES,
    MAX_OLDER_DAYS,
    MAX_VALUES,
    MAX_WITHIN_DAYS,
    RESERVED,
    All,
    AnyOf,
    Clicked,
    Comparison,
    Count,
    Criterion,
    Engaged,
    Fault,
    FieldCompared,
    FixedDays,
    HoldsLabel,
    InSegment,
    InvalidCriterion,
    Not,
    OlderThanDays,
    Operator,
    Period,
    Selector,
    WithinDays,
)
from shared.events.labeling import Scalar

COMPARISONS = ("at_least", "at_most", "exactly")
PERIODS = ("within_days", "older_than_days", "from", "to")
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
# The longest text that each member takes; all of them are at least one character long.
LENGTHS = {"send": 40, "url": 8192, "url_starts_with": 8192, "kind": 100, "ref": 200, "key": 100}

NOBODY = AnyOf(())  # stands in for a node that could not be read, so that its siblings are still looked at


def parse(value: object) -> Criterion:
    """Read a criterion from what JSON gave. Raises InvalidCriterion with every fault that was found."""
    parser = _Parser()
    criterion = parser.node(value, "", 1)
    if parser.faults:
        raise InvalidCriterion(tuple(parser.faults))
    return criterion


def join(pointer: str, name: str | int) -> str:
    """A JSON pointer one step deeper (RFC 6901)."""
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


class _Parser:
    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.nodes = 0
        self.kinds: dict[str, Callable[[Any, str, int], Criterion]] = {
            "all": self.all,
            "any": self.any,
            "not": self.negation,
            "label": self.label,
            "clicks": self.clicks,
            "engaged": self.engaged,
            "field": self.field,
            "segment": self.segment,
        }

    def fault(self, pointer: str, detail: str) -> None:
        self.faults.append(Fault(pointer, detail))

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
        read = self.kinds.get(kind)
        if read is None:
            self.unknown(join(pointer, kind), kind, "kind", tuple(self.kinds))
            return NOBODY
        return read(body, pointer, level)

    def unknown(self, pointer: str, name: str, what: str, known: tuple[str, ...]) -> None:
        if name in RESERVED:
            self.fault(pointer, f"{name} is kept free for a later version")
        else:
            self.fault(pointer, f"unknown {what}; known are {', '.join(known)}")

    def parts(self, body: object, pointer: str, level: int) -> tuple[Criterion, ...]:
        if not isinstance(body, list):
            self.fault(pointer, "a list of nodes is needed")
            return ()
        return tuple(self.node(part, join(pointer, index), level + 1) for index, part in enumerate(body))

    def all(self, body: object, pointer: str, level: int) -> Criterion:
        return All(self.parts(body, join(pointer, "all"), level), pointer=pointer)

    def any(self, body: object, pointer: str, level: int) -> Criterion:
        return AnyOf(self.parts(body, join(pointer, "any"), level), pointer=pointer)

    def negation(self, body: object, pointer: str, level: int) -> Criterion:
        return Not(self.node(body, join(pointer, "not"), level + 1), pointer=pointer)

    def label(self, body: object, pointer: str, level: int) -> Criterion:
        here = join(pointer, "label")
        if isinstance(body, str):
            return HoldsLabel(self.uuids([body], [here]), pointer=pointer)
        members = self.members(body, here, ("id", "any_of", *PERIODS))
        if ("id" in members) == ("any_of" in members):
            self.fault(here, "name the label by exactly one of id and any_of")
            return NOBODY
        if "id" in members:
            labels = self.uuids([members["id"]], [join(here, "id")])
        else:
            named = members["any_of"]
            if not isinstance(named, list) or not 1 <= len(named) <= MAX_VALUES:
                self.fault(join(here, "any_of"), f"a list of 1 to {MAX_VALUES} label ids is needed")
                named = []
            labels = self.uuids(named, [join(join(here, "any_of"), index) for index in range(len(named))])
        return HoldsLabel(labels, self.period(members, here), "any_of" in members, pointer=pointer)

    def clicks(self, body: object, pointer: str, level: int) -> Criterion:
        here = join(pointer, "clicks")
        members = self.members(body, here, (*SELECTORS, *COMPARISONS, *PERIODS))
        named = [name for name in SELECTORS if name in members]
        for name in named[1:]:
            self.fault(join(here, name), f"clicks take one selector; {named[0]} is there already")
        selector = cast(Selector, named[0]) if named else None
        target: UUID | str | None = None
        if selector in ("label", "message", "link"):
            target = self.uuid(members[selector], join(here, selector))
        elif selector is not None:
            target = self.text(members, here, selector)
        return Clicked(selector, target, self.count(members, here), self.period(members, here), pointer=pointer)

    def engaged(self, body: object, pointer: str, level: int) -> Criterion:
        here = join(pointer, "engaged")
        members = self.members(body, here, ("kind", "ref", "message", "send", *COMPARISONS, *PERIODS))
        if "kind" not in members:
            self.fault(here, "a kind is needed")
            return NOBODY
        return Engaged(
            self.text(members, here, "kind") or "",
            self.text(members, here, "ref"),
            self.uuid(members["message"], join(here, "message")) if "message" in members else None,
            self.text(members, here, "send"),
            self.count(members, here),
            self.period(members, here),
            pointer=pointer,
        )

    def field(self, body: object, pointer: str, level: int) -> Criterion:
        here = join(pointer, "field")
        members = self.members(body, here, ("key", *OPERATORS))
        if "key" not in members:
            self.fault(here, "the key of a field is needed")
        named = [name for name in OPERATORS if name in members]
        if len(named) != 1:
            self.fault(here, f"a field is compared by exactly one of {', '.join(OPERATORS)}")
            return NOBODY
        operator = cast(Operator, named[0])
        operand = self.operand(operator, members[operator], join(here, operator))
        return FieldCompared(self.text(members, here, "key") or "", operator, operand, pointer=pointer)

    def segment(self, body: object, pointer: str, level: int) -> Criterion:
        here = join(pointer, "segment")
        if isinstance(body, str):
            return InSegment(self.uuid(body, here), pointer=pointer)
        members = self.members(body, here, ("id",))
        if "id" not in members:
            self.fault(here, "the id of a segment is needed")
            return NOBODY
        return InSegment(self.uuid(members["id"], join(here, "id")), pointer=pointer)

    def members(self, body: object, pointer: str, known: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(body, dict):
            self.fault(pointer, "an object is needed")
            return {}
        for name in body:
            if name not in known:
                self.unknown(join(pointer, name), name, "member", known)
        return body

    def uuid(self, value: object, pointer: str) -> UUID:
        if isinstance(value, str):
            try:
                return UUID(value)
            except ValueError:
                pass
        self.fault(pointer, "a UUID is needed")
        return UUID(int=0)

    def uuids(self, values: list[Any], pointers: list[str]) -> tuple[UUID, ...]:
        return tuple(self.uuid(value, pointer) for value, pointer in zip(values, pointers, strict=True))

    def text(self, members: Mapping[str, Any], pointer: str, name: str) -> str | None:
        if name not in members:
            return None
        value = members[name]
        if isinstance(value, str) and 1 <= len(value) <= LENGTHS[name]:
            return value
        self.fault(join(pointer, name), f"a text of 1 to {LENGTHS[name]} characters is needed")
        return None

    def whole(self, value: object, pointer: str, lowest: int, highest: int) -> int:
        # JSON has one kind of number: 3.0 is 3.
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        self.fault(pointer, f"a whole number from {lowest} to {highest} is needed")
        return lowest

    def count(self, members: Mapping[str, Any], pointer: str) -> Count:
        named = [name for name in COMPARISONS if name in members]
        for name in named[1:]:
            self.fault(join(pointer, name), f"only one count is possible; {named[0]} is there already")
        if not named:
            return Count()
        number = self.whole(members[named[0]], join(pointer, named[0]), 0, MAX_COUNT)
        return Count(cast(Comparison, named[0]), number)

    def period(self, members: Mapping[str, Any], pointer: str) -> Period | None:
        named = [name for name in ("within_days", "older_than_days") if name in members]
        fixed = [name for name in ("from", "to") if name in members]
        for name in (*named, *fixed)[1:] if named else ():
            self.fault(join(pointer, name), f"only one period is possible; {named[0]} is there already")
        if named == ["within_days"]:
            return WithinDays(self.whole(members["within_days"], join(pointer, "within_days"), 1, MAX_WITHIN_DAYS))
        if named:
            return OlderThanDays(
                self.whole(members["older_than_days"], join(pointer, "older_than_days"), 1, MAX_OLDER_DAYS)
            )
        if not fixed:
            return None
        first, last = self.day(members, pointer, "from"), self.day(members, pointer, "to")
        if first is not None and last is not None and last < first:
            self.fault(join(pointer, "to"), "to is before from")
        return FixedDays(first, last)

    def day(self, members: Mapping[str, Any], pointer: str, name: Literal["from", "to"]) -> date | None:
        if name not in members:
            return None
        found = parse_day(members[name])
        if found is None:
            self.fault(join(pointer, name), "a day is needed, as YYYY-MM-DD")
        return found

    def operand(self, operator: Operator, value: object, pointer: str) -> Scalar | tuple[Scalar, ...]:
        if operator == "in":
            return self.scalars(value, pointer, 1, MAX_VALUES, f"a list of 1 to {MAX_VALUES} values is needed")
        if operator == "between":
            return self.ends(value, pointer)
        if operator == "exists":
            if not isinstance(value, bool):
                self.fault(pointer, "true or false is needed")
            return bool(value)
        if operator in ("less_than", "greater_than"):
            return self.number(value, pointer)
        if operator in ("before", "after"):
            if parse_day(value) is None:
                self.fault(pointer, "a day is needed, as YYYY-MM-DD")
            return str(value)
        if operator == "starts_with":
            if not isinstance(value, str) or not value:
                self.fault(pointer, "a text of at least one character is needed")
            return str(value)
        return self.scalar(value, pointer)

    def ends(self, value: object, pointer: str) -> tuple[Scalar, ...]:
        found = self.scalars(value, pointer, 2, 2, "a list of two values, the lowest and the highest, is needed")
        days = [parse_day(end) for end in found]
        numbers = [end for end in found if isinstance(end, int | float) and not isinstance(end, bool)]
        if len(found) == 2 and not (len(numbers) == 2 or None not in days):
            self.fault(pointer, "two numbers or two days are needed")
        return found

    def scalars(self, value: object, pointer: str, least: int, most: int, detail: str) -> tuple[Scalar, ...]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            self.fault(pointer, detail)
            return ()
        return tuple(self.scalar(item, join(pointer, index)) for index, item in enumerate(value))

    def scalar(self, value: object, pointer: str) -> Scalar:
        if isinstance(value, str) and len(value) <= 8192:
            return value
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self.number(value, pointer)
        self.fault(pointer, "a text, a number, true or false is needed")
        return ""

    def number(self, value: object, pointer: str) -> int | float:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, float) and isfinite(value):
            return value
        self.fault(pointer, "a number is needed")
        return 0
