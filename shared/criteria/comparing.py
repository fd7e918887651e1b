"""Compares text, numbers and days. Both evaluations of criteria use these functions."""

import re
from datetime import date, datetime, tzinfo
from unicodedata import is_normalized, normalize

from shared.events.labeling import Scalar

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def normal(text: str) -> str:
    """Return the form in which text is compared: without case, in Unicode normal form C."""
    if text.isascii():
        return text.lower()
    # Case folding may decompose, so compose again; composing first makes equal texts fold to the same form.
    folded = normalize("NFC", text).casefold()
    return folded if is_normalized("NFC", folded) else normalize("NFC", folded)


def number(value: Scalar) -> float | None:
    """Return the value as a 64-bit float, or None if it is not a number. Integers beyond the range are infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        # Adding zero turns -0.0 into 0.0.
        return float(value) + 0.0
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def parse_day(value: object) -> date | None:
    """Return the day of a text of the form `YYYY-MM-DD`; None if it has another form."""
    if not isinstance(value, str) or len(value) != 10 or _DAY.fullmatch(value) is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def day_of(moment: datetime, zone: tzinfo) -> date:
    """Return the account's day in which the moment falls."""
    return moment.astimezone(zone).date()


def same(value: Scalar | None, operand: Scalar) -> bool:
    """Return whether a field's value equals the operand: texts by `normal`, numbers as floats, booleans as they are."""
    if value is None:
        return False
    if isinstance(value, str) and isinstance(operand, str):
        return normal(value) == normal(operand)
    if isinstance(value, bool) or isinstance(operand, bool):
        return value is operand
    if isinstance(value, str) or isinstance(operand, str):
        return False
    return number(value) == number(operand)
