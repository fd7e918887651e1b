"""Reads cells that people wrote: dates, numbers, yes and no, lists of labels."""

import re
from datetime import date
from typing import Literal, NamedTuple

from services.labeling.domain.errors import InvalidError

DateOrder = Literal["iso", "day_first", "month_first"]
Decimal = Literal[".", ","]

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\d{2}:\d{2}.*)?")
_NUMERIC = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?: \d{1,2}:\d{2}.*)?")
_YEAR_FIRST = re.compile(r"(\d{4})([./])(\d{1,2})\2(\d{1,2})(?: \d{1,2}:\d{2}.*)?")
_NUMBER = {
    ".": re.compile(r"[+-]?(?:\d+|\d{1,3}(?:[, '\u00a0\u202f]\d{3})+)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?"),
    ",": re.compile(r"[+-]?(?:\d+|\d{1,3}(?:[. '\u00a0\u202f]\d{3})+)(?:,\d+)?(?:[eE][+-]?\d{1,3})?"),
}
_GROUPS = re.compile(r"[ '\u00a0\u202f]")
_CURRENCY = re.compile(r"^\s*(?:€|\$|£|EUR|USD|GBP)\s*|\s*(?:€|\$|£|EUR|USD|GBP|%)\s*$")
_YES = frozenset({"true", "yes", "y", "ja", "j", "oui", "o", "vrai", "wahr", "waar", "1", "x", "✓", "on", "aan"})
_NO = frozenset({"false", "no", "n", "nee", "nein", "non", "faux", "falsch", "onwaar", "0", "-", "off", "uit"})
_SPREADSHEET_TEXT = re.compile(r'^=?"(.*)"$', re.DOTALL)


class Spelling(NamedTuple):
    """The format of dates and numbers in a file. `today` decides the century of two-digit years."""

    dates: DateOrder
    decimal: Decimal
    today: date


_SPACES = " \t\r\n\u00a0\ufeff"
# Beginnings of texts that a spreadsheet would read as a formula or drop, or that `clean` would trim.
_RISKY = ("=", "+", "-", "@", "|", "%", *_SPACES)


def clean(cell: str) -> str:
    """Return a cell without additions of spreadsheets: surrounding spaces, `="…"`, and the mark before a formula."""
    if cell.startswith("'") and _needs_mark(cell[1:]):
        return cell[1:]
    text = cell.strip(_SPACES)
    if text.startswith('="'):
        match = _SPREADSHEET_TEXT.match(text)
        return text if match is None else match[1]
    return text


def escape_formula(text: str) -> str:
    """Return `text` so that a spreadsheet reads it as text, and `clean` restores it: with an apostrophe before it.

    >>> escape_formula("=1+1")
    "'=1+1"
    """
    return f"'{text}" if _needs_mark(text) else text


def _needs_mark(text: str) -> bool:
    bare = text.lstrip("'")
    return not bare or bare.startswith(_RISKY) or text.endswith(tuple(_SPACES))


def read_date(cell: str, spelling: Spelling) -> str:
    """Return the date in a cell as `YYYY-MM-DD`. Raises InvalidError."""
    match = _ISO.fullmatch(cell)
    if match is not None:
        return _date(cell, int(match[1]), int(match[2]), int(match[3]))
    match = _YEAR_FIRST.fullmatch(cell)
    if match is not None:
        return _date(cell, int(match[1]), int(match[3]), int(match[4]))
    match = _NUMERIC.fullmatch(cell)
    if match is None or spelling.dates == "iso":
        raise InvalidError(f"is not a date in the format {_EXAMPLES[spelling.dates]}")
    first, second = int(match[1]), int(match[3])
    day, month = (first, second) if spelling.dates == "day_first" else (second, first)
    return _date(cell, _year(match[4], spelling.today), month, day)


_EXAMPLES = {"iso": "YYYY-MM-DD", "day_first": "DD/MM/YYYY", "month_first": "MM/DD/YYYY"}


def _year(text: str, today: date) -> int:
    if len(text) == 4:
        return int(text)
    century = today.year // 100 * 100
    year = century + int(text)
    return year if year <= today.year + 10 else year - 100


def _date(cell: str, year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise InvalidError("is not an existing date") from None


def read_number(cell: str, spelling: Spelling) -> int | float:
    """Return the number in a cell, an int if it is written as one. Raises InvalidError."""
    text = _CURRENCY.sub("", cell).strip()
    if not _NUMBER[spelling.decimal].fullmatch(text):
        raise InvalidError(f"is not a number with a decimal {'comma' if spelling.decimal == ',' else 'point'}")
    text = _GROUPS.sub("", text)
    text = text.replace(",", "") if spelling.decimal == "." else text.replace(".", "").replace(",", ".")
    return float(text) if "." in text or "e" in text.lower() else int(text)


def read_boolean(cell: str) -> bool:
    """Return whether a cell means yes. Raises InvalidError."""
    word = cell.casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise InvalidError("is neither yes nor no")


def read_labels(cell: str) -> list[str]:
    """Return the names in a list of labels, separated by commas or line ends; each name once."""
    names: dict[str, None] = {}
    for name in re.split(r"[,\r\n]", cell):
        if name.strip():
            names.setdefault(name.strip())
    return list(names)
