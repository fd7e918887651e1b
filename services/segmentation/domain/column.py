"""The values of one field, stored by JSON type; only the criterion knows the field's type.

Texts have a bitmap for each of at most 1,024 values per slice, in the form for comparison. Further values are stored
per contact, and scanned by queries, so a field with millions of distinct values costs a text per contact instead of a
bitmap per value. Texts that are days are also ordered as days.
"""

from calendar import isleap
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from pyroaring import BitMap

from services.segmentation.domain.ordered import Ordered, float_of_key, key_of_float
from services.segmentation.domain.unindexed_texts import UnindexedTexts
from shared.criteria.comparing import normal, number, parse_day
from shared.criteria.days import window_years
from shared.criteria.grammar import AnniversaryWithinDays, InNextDays, Operator, Period
from shared.events.labeling import Scalar

MAX_INDEXED_TEXTS = 1024  # texts with a bitmap, per field


class Column:
    """At most one value per contact."""

    __slots__ = ("anniversaries", "booleans", "days", "numbers", "texts", "unindexed")

    def __init__(self) -> None:
        self.texts: dict[str, BitMap] = {}
        self.unindexed = UnindexedTexts()
        self.days = Ordered()
        self.anniversaries = Ordered()  # month and day of `days`, see `month_and_day`
        self.numbers = Ordered()
        self.booleans = (BitMap(), BitMap())

    def put(self, values: Mapping[int, Scalar | None]) -> None:
        """Set values of contacts, replacing earlier ones; None removes the value."""
        self._remove(BitMap(list(values)))
        texts: dict[str, list[int]] = {}
        days: dict[int, int] = {}
        numbers: dict[int, int] = {}
        for contact, value in values.items():
            if isinstance(value, str):
                day = parse_day(value)
                if day is None:
                    texts.setdefault(normal(value), []).append(contact)
                else:
                    days[contact] = day.toordinal()
            elif isinstance(value, bool):
                self.booleans[value].add(contact)
            elif value is not None:
                numbers[contact] = key_of_float(number(value) or 0.0)
        self.days.put(days)
        self.anniversaries.put({contact: month_and_day(date.fromordinal(day)) for contact, day in days.items()})
        self.numbers.put(numbers)
        for text, contacts in texts.items():
            self._put_text(text, contacts)

    def _put_text(self, text: str, contacts: Sequence[int]) -> None:
        holders = self.texts.get(text)
        if holders is not None:
            holders.update(contacts)
        elif len(self.texts) < MAX_INDEXED_TEXTS:
            self.texts[text] = BitMap(contacts)
        else:
            self.unindexed.put(contacts, text)

    def _remove(self, contacts: BitMap) -> None:
        emptied = [text for text, holders in self.texts.items() if _discard(holders, contacts)]
        for text in emptied:
            del self.texts[text]
        self.unindexed.remove(contacts)
        self.days.remove(contacts)
        self.anniversaries.remove(contacts)
        self.numbers.remove(contacts)
        for holders in self.booleans:
            holders -= contacts

    def present(self) -> BitMap:
        """Return the contacts that have a value."""
        return BitMap.union(
            BitMap(list(self.unindexed.by_contact)),
            self.days.present,
            self.numbers.present,
            *self.booleans,
            *self.texts.values(),
        )

    def get(self, contact: int) -> Scalar | None:
        """Return the value of one contact; texts and numbers in the form for comparison."""
        for value in (True, False):
            if contact in self.booleans[value]:
                return value
        day = self.days.get(contact)
        if day is not None:
            return date.fromordinal(day).isoformat()
        key = self.numbers.get(contact)
        if key is not None:
            return float_of_key(key)
        if contact in self.unindexed.by_contact:
            return self.unindexed.by_contact[contact]
        return next((text for text, holders in self.texts.items() if contact in holders), None)

    def satisfying(
        self, operator: Operator, operand: Scalar | tuple[Scalar, ...], universe: BitMap, within: BitMap | None
    ) -> BitMap:
        """Return the contacts of the universe for whom the comparison is true; see the grammar."""
        operands = operand if isinstance(operand, tuple) else (operand,)
        match operator:
            case "is":
                return self._equal(operands[0], within) & universe
            case "in":
                return self.any_of(operands, within) & universe
            case "is_not":
                return universe - self._equal(operands[0], within)
            case "exists":
                return self.present() & universe if operands[0] else universe - self.present()
            case "starts_with":
                return self._starting(normal(str(operands[0])), within) & universe
            case _:
                return self._ordered(operator, operands, within) & universe

    def any_of(self, values: Sequence[Scalar], within: BitMap | None) -> BitMap:
        """Return the contacts that have one of the values; texts without a bitmap are scanned once for all values."""
        found = [self.booleans[value] for value in values if isinstance(value, bool)]
        days = [day.toordinal() for value in values if (day := parse_day(value)) is not None]
        numbers = [
            key_of_float(number(value) or 0.0)
            for value in values
            if isinstance(value, int | float) and not isinstance(value, bool)
        ]
        texts = {normal(value) for value in values if isinstance(value, str) and parse_day(value) is None}
        found += [self.texts[text] for text in texts if text in self.texts]
        if days:
            found.append(self.days.any_of(days, within))
        if numbers:
            found.append(self.numbers.any_of(numbers, within))
        if texts:
            found.append(self.unindexed.any_of(texts, within))
        return BitMap.union(*found) if found else BitMap()

    def in_window(
        self, window: Period | InNextDays | AnniversaryWithinDays, today: date, universe: BitMap, within: BitMap | None
    ) -> BitMap:
        """Return the contacts of the universe whose day is in the window, as of `today`."""
        if not isinstance(window, AnniversaryWithinDays):
            first, last = window.bounds(today)
            lowest = first.toordinal() if first else 0
            return self.days.between(lowest, last.toordinal() if last else date.max.toordinal(), within) & universe
        found = BitMap()
        for first, last in window_years(window, today):
            days = self.anniversaries.between(*anniversary_range(first, last), within)
            earlier, _, _ = self.days.compared(date(first.year, 1, 1).toordinal(), within)
            found |= days & earlier
        return found & universe

    def _equal(self, value: Scalar, within: BitMap | None) -> BitMap:
        if isinstance(value, bool):
            return self.booleans[value]
        if not isinstance(value, str):
            return self.numbers.compared(key_of_float(number(value) or 0.0), within)[1]
        day = parse_day(value)
        if day is not None:
            return self.days.compared(day.toordinal(), within)[1]
        text = normal(value)
        indexed = self.texts.get(text)
        # A text gets a bitmap as soon as there is room for one. Contacts that got the text earlier may be among those
        # without a bitmap.
        unindexed = self.unindexed.any_of({text}, within)
        return unindexed if indexed is None else indexed | unindexed

    def _starting(self, prefix: str, within: BitMap | None) -> BitMap:
        found = [holders for text, holders in self.texts.items() if text.startswith(prefix)]
        days = _days_starting(prefix)
        if days is not None:
            found.append(self.days.between(*days, within))
        return BitMap.union(self.unindexed.starting(prefix, within), *found)

    def _ordered(self, operator: Operator, operands: Sequence[Scalar], within: BitMap | None) -> BitMap:
        numbers = [number(one) for one in operands]
        days = [parse_day(one) for one in operands]
        if None not in numbers:
            index, keys = self.numbers, [key_of_float(one or 0.0) for one in numbers]
        elif None not in days:
            index, keys = self.days, [one.toordinal() for one in days if one is not None]
        else:
            return BitMap()
        if operator == "between":
            return index.between(keys[0], keys[1], within)
        less, _, more = index.compared(keys[0], within)
        return less if operator in ("less_than", "before") else more


def month_and_day(day: date) -> int:
    """Return a number that orders the days of a year."""
    return day.month * 32 + day.day


def anniversary_range(first: date, last: date) -> tuple[int, int]:
    """Return the months and days whose anniversaries are from `first` to `last`, two days of one year."""
    highest = month_and_day(last)
    if (last.month, last.day) == (2, 28) and not isleap(last.year):
        highest += 1  # 29 February has its anniversary on this day
    lowest = month_and_day(first)
    return lowest, highest


def _discard(holders: BitMap, contacts: BitMap) -> bool:
    """Remove contacts from the bitmap in place; return whether it is empty then."""
    holders -= contacts
    return not holders


def _days_starting(prefix: str) -> tuple[int, int] | None:
    """Return the first and last day (ordinals) whose text starts with the prefix; None if there is none."""
    first = _first_day(lambda text: text >= prefix)
    last = _first_day(lambda text: text[: len(prefix)] > prefix) - 1
    return (first, last) if first <= last else None


def _first_day(reached: Callable[[str], bool]) -> int:
    """Return the first day (an ordinal) whose text satisfies `reached`, by binary search: texts sort like days."""
    lowest, highest = 1, date.max.toordinal() + 1
    while lowest < highest:
        middle = (lowest + highest) // 2
        if reached(date.fromordinal(middle).isoformat()):
            highest = middle
        else:
            lowest = middle + 1
    return lowest
