"""Reads delimited text record by record from pieces of a file: RFC 4180, and common deviations from it."""

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

DELIMITERS = (";", ",", "\t", "|")
# With a quote that is never closed, a record would include the rest of the file, so records have a maximum length.
MOST_LINES = 200
MOST_CHARACTERS = 100_000

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")
_SEPARATOR_LINE = re.compile(r"\ufeff?\"?sep=(.)\"?(\r\n|\n|\r)", re.IGNORECASE)


class Records(NamedTuple):
    """The complete records at the beginning of a text, and the number of their characters."""

    rows: list[list[str]]
    consumed: int


def read_records(text: str, delimiter: str, *, is_last: bool) -> Records:
    """Read the complete records of `text`, blank ones as `[]`.

    `is_last`: nothing follows `text`. Otherwise the last record may continue and is left for the next piece.
    """
    lines = _LINE.findall(text)
    if not is_last and lines and not lines[-1].endswith("\n"):
        lines.pop()  # it may continue, or its line end may: `\r` before `\n`
    rows: list[list[str]] = []
    lines_read = 0
    while lines_read < len(lines):
        lines_read = _read_closed(lines, lines_read, delimiter, rows)
        if lines_read == len(lines) or (not is_last and _may_continue(lines[lines_read:])):
            break
        # A quote that is not closed in time is not a quote: its line is read literally, and reading continues after it.
        rows.append(_split_literally(lines[lines_read], delimiter))
        lines_read += 1
    return Records(rows, sum(map(len, lines[:lines_read])))


def _read_closed(lines: list[str], first: int, delimiter: str, rows: list[list[str]]) -> int:
    """Append records to `rows` until one whose quote is not closed in time; return the line where that one begins."""
    reader = csv.reader(lines[first:] if first else lines, delimiter=delimiter)
    lines_read = first
    try:
        for row in reader:
            end = first + reader.line_num
            if end - lines_read > 1 and not _may_continue(lines[lines_read:end]):
                return lines_read
            if end == len(lines) and _is_open(lines[lines_read:end], row, delimiter):
                return lines_read
            rows.append(row)
            lines_read = end
    except csv.Error:  # a field that is larger than any field of a contact
        return lines_read
    return lines_read


def _may_continue(lines: Sequence[str]) -> bool:
    return len(lines) < MOST_LINES and sum(map(len, lines)) < MOST_CHARACTERS


def _is_open(lines: Sequence[str], row: Sequence[str], delimiter: str) -> bool:
    """Return whether the last field has an open quote, so that the next line belongs to it."""
    if not any('"' in line for line in lines):
        return False
    extended = next(csv.reader([*lines, "x"], delimiter=delimiter))
    return len(extended[-1]) != len(row[-1])


def _split_literally(line: str, delimiter: str) -> list[str]:
    """Return the fields of a line, with quotes as ordinary characters."""
    content = line.rstrip("\r\n")
    return content.split(delimiter) if content else []


def separator_line(text: str) -> tuple[str, int] | None:
    """Return the delimiter that a first line `sep=;` names, as Excel writes it, and the line's length."""
    match = _SEPARATOR_LINE.match(text)
    return None if match is None else (match[1], match.end())


def delimiter_of(text: str) -> str:
    """Return the delimiter that splits the sample `text` into the most regular table."""
    return max(DELIMITERS, key=lambda delimiter: _regularity(text, delimiter))


def _regularity(text: str, delimiter: str) -> tuple[float, int]:
    rows = [row for row in read_records(text, delimiter, is_last=True).rows[:200] if any(map(str.strip, row))]
    widths = [len(row) for row in rows]
    if not widths:
        return 0.0, 0
    width = max(set(widths), key=widths.count)
    if width == 1:
        return 0.0, 0
    return widths.count(width) / len(widths), width
