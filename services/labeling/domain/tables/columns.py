"""Recognises the columns of a table: the header, a suggested target for each column, and samples."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.fields import Field
from services.labeling.domain.tables.cells import DateOrder, Decimal, clean
from services.labeling.domain.tables.headers import FIELD_BY_NAME, NOT_IMPORTED, key_from, known_target, normalized
from shared.events.labeling import FieldType

SAMPLES = 5
LONGEST_SAMPLE = 100
MOST_COLUMNS = 200
MOST_EXAMINED = 500  # records
LEAST_SHARE = 0.8  # of the filled cells that must look like an address, a date or a number

_ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]{2,}")
_DATE = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}(?:[T ].*)?|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})(?: \d.*)?|\d{4}[./]\d{1,2}[./]\d{1,2}"
)
_NUMBER = re.compile(r"[+-]?\d[\d.,  ]*")
_BOOLEANS = frozenset("true false yes no ja nee oui non vrai faux wahr falsch waar onwaar".split(" "))  # noqa: SIM905

MapsTo = str | dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column as shown to people. `maps_to` is its suggested target; None if there is none."""

    index: int
    header: str | None
    samples: list[str]
    maps_to: MapsTo


class Table(NamedTuple):
    """A recognised table: the number of its header record (None if there is none), and its columns."""

    header: int | None
    columns: list[FileColumn]
    dates: DateOrder
    decimal: Decimal


def recognise(records: Sequence[Sequence[str]], fields: Mapping[str, Field]) -> Table:
    """Recognise the first records of a table. Raises InvalidError if there is no table, or if it has two headers."""
    filled = [index for index, record in enumerate(records[:MOST_EXAMINED]) if any(clean(cell) for cell in record)]
    if not filled:
        raise InvalidError("the file has no rows")
    header = _find_header(records, filled)
    rows = [records[index] for index in filled if header is None or index > header]
    width = max(len(record) for record in ([*rows, records[header]] if header is not None else rows))
    if width > MOST_COLUMNS:
        raise InvalidError(f"the table has more than {MOST_COLUMNS} columns")
    names = [clean(cell) for cell in records[header]] if header is not None else []
    contents = [
        [cell for cell in (clean(row[index]) for row in rows if index < len(row)) if cell] for index in range(width)
    ]
    targets = _suggested_targets(names, contents, fields)
    columns = [
        FileColumn(index, names[index] if index < len(names) else None, _samples(contents[index]), targets[index])
        for index in range(width)
    ]
    dates = _date_order(contents)
    return Table(header, columns, dates, _decimal_separator(contents))


def _find_header(records: Sequence[Sequence[str]], filled: Sequence[int]) -> int | None:
    """Return the number of the header record. Raises InvalidError if there are two."""
    first = filled[0]
    with_address = next((index for index in filled if any(_is_address(cell) for cell in records[index])), None)
    if with_address == first:
        return None
    if with_address is not None and len(filled) > 2:
        above = [index for index in filled if index < with_address]
        headers = [index for index in above if _is_header(records[index])]
        if len(above) > 1 and any(known_target(clean(cell)) == "email" for cell in records[above[-1]]):
            raise InvalidError(
                f"the table has {len(above)} rows above the first contact (rows {above[0] + 1} to {above[-1] + 1}); "
                "keep one row with the names of the columns, and delete the others"
            )
        return headers[0] if headers else first
    return first if _is_header(records[first]) else None


def _is_header(record: Sequence[str]) -> bool:
    """Return whether a record may be the names of columns: distinct texts; no addresses, dates or numbers."""
    cells = [clean(cell) for cell in record if clean(cell)]
    if any(known_target(cell) or NOT_IMPORTED.fullmatch(cell) for cell in cells):
        return True
    return len({cell.casefold() for cell in cells}) == len(cells) and not any(
        _is_address(cell) or _NUMBER.fullmatch(cell) or _DATE.fullmatch(cell) for cell in cells
    )


def _is_address(cell: str) -> bool:
    return _ADDRESS.fullmatch(clean(cell)) is not None


def _samples(content: Sequence[str]) -> list[str]:
    return [cell[:LONGEST_SAMPLE] for cell in list(dict.fromkeys(content))[:SAMPLES]]


def _suggested_targets(
    names: Sequence[str], contents: Sequence[Sequence[str]], fields: Mapping[str, Field]
) -> list[MapsTo]:
    targets: list[MapsTo] = [None] * len(contents)
    taken: set[str] = set()
    for index in range(min(len(names), len(contents))):
        known = known_target(names[index])
        if known is not None and known not in taken and names[index] not in fields:
            targets[index] = known
            taken.add(known)
    if "email" not in taken:
        shares = {
            index: _share(_is_address, content) for index, content in enumerate(contents) if targets[index] is None
        }
        best = max(shares, key=lambda index: shares[index], default=None)
        if best is not None and shares[best] >= LEAST_SHARE:
            targets[best] = "email"
    keys: set[str] = set()
    for index, content in enumerate(contents):
        if targets[index] is None and index < len(names) and names[index] and not NOT_IMPORTED.fullmatch(names[index]):
            targets[index] = _field_for(names[index], content, fields, keys)
    return targets


def _field_for(name: str, content: Sequence[str], fields: Mapping[str, Field], keys: set[str]) -> MapsTo:
    """Return the field for a column: an existing one, by key or name, or a new one."""
    normal_name = normalized(name)
    known_key = FIELD_BY_NAME.get(normal_name)
    for key, field in fields.items():
        if key not in keys and (key == known_key or normal_name in (normalized(key), normalized(field.name))):
            keys.add(key)
            return {"field": key}
    if not content:
        return None
    key = known_key if known_key is not None and known_key not in keys and known_key not in fields else key_from(name)
    stem, number = key, 2
    while key in keys or key in fields:
        key, number = f"{stem[:46]}_{number}", number + 1
    keys.add(key)
    return {"new_field": {"key": key, "name": name[:100], "type": _field_type(content, key)}}


def _field_type(content: Sequence[str], key: str) -> FieldType:
    if key in ("phone", "postal_code"):
        return "text"
    if _share(lambda cell: _DATE.fullmatch(cell) is not None, content) >= LEAST_SHARE:
        return "date"
    if _share(lambda cell: cell.casefold() in _BOOLEANS, content) == 1.0:
        return "boolean"
    # A number that begins with 0 is a code, whose zeros must be kept.
    if _share(lambda cell: _NUMBER.fullmatch(cell) is not None and not re.match(r"0\d", cell), content) == 1.0:
        return "number"
    return "text"


def _share(test: Callable[[str], bool], content: Sequence[str]) -> float:
    return sum(map(test, content)) / len(content) if content else 0.0


def _date_order(contents: Sequence[Sequence[str]]) -> DateOrder:
    """Return the format of dates, judging by unambiguous ones; day first if there are none."""
    votes: Counter[DateOrder] = Counter()
    has_dates = False
    for content in contents:
        if _share(lambda cell: _DATE.fullmatch(cell) is not None, content) < LEAST_SHARE:
            continue
        for cell in content:
            match = re.match(r"(\d{1,2})[./-](\d{1,2})[./-]\d", cell)
            if match is None:
                continue
            has_dates = True
            if int(match[1]) > 12:
                votes["day_first"] += 1
            elif int(match[2]) > 12:
                votes["month_first"] += 1
    if votes:
        return votes.most_common(1)[0][0]
    return "day_first" if has_dates else "iso"


def _decimal_separator(contents: Sequence[Sequence[str]]) -> Decimal:
    """Return the decimal separator: the comma if a number can only be read with it."""
    commas = points = 0
    for content in contents:
        if _share(lambda cell: _NUMBER.fullmatch(cell) is not None, content) < LEAST_SHARE:
            continue
        commas += sum(bool(re.search(r",(?:\d{1,2}|\d{4,})$", cell)) for cell in content)
        points += sum(bool(re.search(r"\.(?:\d{1,2}|\d{4,})$", cell)) for cell in content)
    return "," if commas > points else "."
