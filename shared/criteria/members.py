"""Reads the members of a node: ids, texts, counts, periods and operands, with a pointer to every fault."""

from collections.abc import Mapping
from datetime import date
from math import isfinite
from typing import Any, Literal, cast
from uuid import UUID

from shared.criteria.comparing import parse_day
from shared.criteria.grammar import (
    MAX_COUNT,
    MAX_OLDER_DAYS,
    MAX_VALUES,
    MAX_WITHIN_DAYS,
    RESERVED,
    Comparison,
    Count,
    Fault,
    FixedDays,
    OlderThanDays,
    Operator,
    Period,
    WithinDays,
)
from shared.events.labeling import Scalar
from shared.pointers import deeper

COMPARISONS = ("at_least", "at_most", "exactly")
PERIODS = ("within_days", "older_than_days", "from", "to")
# The maximum length of the text of each member; the minimum is one character.
LENGTHS = {"send": 40, "url": 8192, "url_starts_with": 8192, "kind": 100, "ref": 200, "key": 100, "seed": 100}


class MemberReader:
    """Reads values. Each method returns a value of its type, and records a fault if the input is not valid."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(self, pointer: str, detail: str) -> None:
        self.faults.append(Fault(pointer, detail))

    def unknown(self, pointer: str, name: str, what: str, known: tuple[str, ...]) -> None:
        if name in RESERVED:
            self.fault(pointer, f"{name} is reserved for a later version")
        else:
            self.fault(pointer, f"unknown {what}; known are {', '.join(known)}")

    def members(self, body: object, pointer: str, known: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(body, dict):
            self.fault(pointer, "an object is required")
            return {}
        for name in body:
            if name not in known:
                self.unknown(deeper(pointer, name), name, "member", known)
        return body

    def uuid(self, value: object, pointer: str) -> UUID:
        if isinstance(value, str):
            try:
                return UUID(value)
            except ValueError:
                pass
        self.fault(pointer, "a UUID is required")
        return UUID(int=0)

    def uuids(self, values: list[Any], pointers: list[str]) -> tuple[UUID, ...]:
        return tuple(self.uuid(value, pointer) for value, pointer in zip(values, pointers, strict=True))

    def label_list(self, value: object, pointer: str) -> tuple[UUID, ...]:
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_VALUES:
            self.fault(pointer, f"a list of 1 to {MAX_VALUES} label ids is required")
            return ()
        return self.uuids(value, [deeper(pointer, index) for index in range(len(value))])

    def texts(self, value: object, pointer: str) -> tuple[str, ...]:
        items = value if isinstance(value, list) else [value]
        if not 1 <= len(items) <= MAX_VALUES:
            self.fault(pointer, f"a text, or a list of 1 to {MAX_VALUES} texts, is required")
        for index, item in enumerate(items):
            if not isinstance(item, str) or not 1 <= len(item) <= 320:
                place = deeper(pointer, index) if isinstance(value, list) else pointer
                self.fault(place, "a text of 1 to 320 characters is required")
        return tuple(item for item in items if isinstance(item, str))

    def boolean(self, value: object, pointer: str) -> bool:
        if not isinstance(value, bool):
            self.fault(pointer, "true or false is required")
        return bool(value)

    def text(self, members: Mapping[str, Any], pointer: str, name: str) -> str | None:
        if name not in members:
            return None
        value = members[name]
        if isinstance(value, str) and 1 <= len(value) <= LENGTHS[name]:
            return value
        self.fault(deeper(pointer, name), f"a text of 1 to {LENGTHS[name]} characters is required")
        return None

    def integer(self, value: object, pointer: str, lowest: int, highest: int) -> int:
        # JSON has one type of number: 3.0 is 3.
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        self.fault(pointer, f"a whole number from {lowest} to {highest} is required")
        return lowest

    def count(self, members: Mapping[str, Any], pointer: str) -> Count:
        present = [name for name in COMPARISONS if name in members]
        for name in present[1:]:
            self.fault(deeper(pointer, name), f"only one count is allowed; {present[0]} is already given")
        if not present:
            return Count()
        number = self.integer(members[present[0]], deeper(pointer, present[0]), 0, MAX_COUNT)
        return Count(cast(Comparison, present[0]), number)

    def period(self, members: Mapping[str, Any], pointer: str) -> Period | None:
        present = [name for name in ("within_days", "older_than_days") if name in members]
        fixed = [name for name in ("from", "to") if name in members]
        for name in (*present, *fixed)[1:] if present else ():
            self.fault(deeper(pointer, name), f"only one period is allowed; {present[0]} is already given")
        if present == ["within_days"]:
            return WithinDays(self.integer(members["within_days"], deeper(pointer, "within_days"), 1, MAX_WITHIN_DAYS))
        if present:
            return OlderThanDays(
                self.integer(members["older_than_days"], deeper(pointer, "older_than_days"), 1, MAX_OLDER_DAYS)
            )
        if not fixed:
            return None
        first, last = self.day(members, pointer, "from"), self.day(members, pointer, "to")
        if first is not None and last is not None and last < first:
            self.fault(deeper(pointer, "to"), "to is before from")
        return FixedDays(first, last)

    def day(self, members: Mapping[str, Any], pointer: str, name: Literal["from", "to"]) -> date | None:
        if name not in members:
            return None
        day = parse_day(members[name])
        if day is None:
            self.fault(deeper(pointer, name), "a day in the format YYYY-MM-DD is required")
        return day

    def operand(self, operator: Operator, value: object, pointer: str) -> Scalar | tuple[Scalar, ...]:
        if operator == "in":
            return self.scalars(value, pointer, 1, MAX_VALUES, f"a list of 1 to {MAX_VALUES} values is required")
        if operator == "between":
            return self.bounds(value, pointer)
        if operator == "exists":
            return self.boolean(value, pointer)
        if operator in ("less_than", "greater_than"):
            return self.number(value, pointer)
        if operator in ("before", "after"):
            if parse_day(value) is None:
                self.fault(pointer, "a day in the format YYYY-MM-DD is required")
            return str(value)
        if operator == "starts_with":
            if not isinstance(value, str) or not value:
                self.fault(pointer, "a text of at least one character is required")
            return str(value)
        return self.scalar(value, pointer)

    def bounds(self, value: object, pointer: str) -> tuple[Scalar, ...]:
        values = self.scalars(value, pointer, 2, 2, "a list of two values, the lowest and the highest, is required")
        days = [parse_day(end) for end in values]
        numbers = [end for end in values if isinstance(end, int | float) and not isinstance(end, bool)]
        if len(values) == 2 and not (len(numbers) == 2 or None not in days):
            self.fault(pointer, "two numbers or two days are needed")
        return values

    def scalars(self, value: object, pointer: str, shortest: int, longest: int, detail: str) -> tuple[Scalar, ...]:
        if not isinstance(value, list) or not shortest <= len(value) <= longest:
            self.fault(pointer, detail)
            return ()
        return tuple(self.scalar(item, deeper(pointer, index)) for index, item in enumerate(value))

    def scalar(self, value: object, pointer: str) -> Scalar:
        if isinstance(value, str) and len(value) <= 8192:
            return value
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self.number(value, pointer)
        self.fault(pointer, "a text, a number, true or false is required")
        return ""

    def number(self, value: object, pointer: str) -> int | float:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, float) and isfinite(value):
            return value
        self.fault(pointer, "a number is required")
        return 0
