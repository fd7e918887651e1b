"""Reads rows of old clicks, from CSV or NDJSON, as reports with deterministic ids."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

Report = dict[str, Any]

# The namespace of the ids of rows. With another one, a file that is replayed again would be counted again.
ROW_NAMESPACE = UUID("5c0e7f3a-2f0b-4d0e-9d57-3f6a1f0c9b11")
COLUMNS = (
    "id",
    "account_id",
    "contact_id",
    "external_id",
    "email",
    "message_id",
    "link_id",
    "url",
    "occurred_at",
    "user_agent",
    "ip",
    "method",
    "hint",
    "send_kind",
    "send_id",
    "send_sent_at",
)


class UnusableFile(Exception):
    """The file as a whole cannot be read as clicks."""


@dataclass(frozen=True, slots=True)
class ClickFileRow:
    """A row: its line number, and its report or the problem with it.

    `read` is the number of bytes of the file up to the end of the row.
    """

    number: int
    read: int
    report: Report | None
    problem: str | None = None


def rows_of(path: Path, zone: ZoneInfo | None, *, history: bool = False) -> Iterator[ClickFileRow]:
    """Yield the rows of a file; its name ends in .csv, or else it is NDJSON.

    The file is not loaded into memory as a whole. `zone` is the time zone of times without an offset. `history`: mark
    reports as history unless they have a value for it. Raises UnusableFile.
    """
    row_ids = _RowIds()
    with path.open("rb") as file:
        rows = _csv(file) if path.suffix.lower() == ".csv" else _ndjson(file)
        for row in rows:
            if row.report is None:
                yield row
                continue
            report = {"id": row_ids.of(row.report), **row.report}
            if history:
                report.setdefault("history", True)
            yield ClickFileRow(row.number, row.read, _with_zone(report, zone))


class _RowIds:
    """Ids derived from the content of rows. Equal rows are different clicks, so their ids include a running number.

    A row keeps its id when other rows are added, removed or moved. So a file can be replayed again, unchanged or with
    new rows, and no click is counted twice.
    """

    def __init__(self) -> None:
        self._seen: Counter[UUID] = Counter()

    def of(self, report: Report) -> str:
        content = uuid5(ROW_NAMESPACE, json.dumps(report, sort_keys=True))
        nth = self._seen[content]
        self._seen[content] += 1
        return str(uuid5(content, str(nth)))


def _ndjson(file: BinaryIO) -> Iterator[ClickFileRow]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            report = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except ValueError as error:  # includes UnicodeDecodeError
            yield ClickFileRow(number, file.tell(), None, f"not JSON: {error}")
            continue
        if isinstance(report, dict):
            yield ClickFileRow(number, file.tell(), report)
        else:
            yield ClickFileRow(number, file.tell(), None, "not a JSON object")


def _csv(file: BinaryIO) -> Iterator[ClickFileRow]:
    delimiter = _delimiter(file)
    reader = csv.reader(_lines(file), delimiter=delimiter)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check(header)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                problem = f"{len(cells)} cells, but the header has {len(header)}"
                yield ClickFileRow(reader.line_num, file.tell(), None, problem)
                continue
            yield ClickFileRow(reader.line_num, file.tell(), _report(dict(zip(header, cells, strict=True))))
    except (csv.Error, UnicodeDecodeError) as error:
        raise UnusableFile(f"line {reader.line_num + 1}: {error}") from error


def _delimiter(file: BinaryIO) -> str:
    """Return the delimiter of the header: a comma, or what spreadsheets in other languages use."""
    header = file.readline()
    file.seek(0)
    return max((",", ";", "\t"), key=lambda delimiter: header.count(delimiter.encode()))


def _lines(file: BinaryIO) -> Iterator[str]:
    # A TextIOWrapper would read ahead, so that the position of a row in the file would be unknown.
    for number, line in enumerate(file):
        yield line.decode("utf-8-sig" if number == 0 else "utf-8")


def _check(header: list[str]) -> None:
    unknown = [name for name in header if name not in COLUMNS]
    if unknown or not header:
        problem = f"unknown columns in the first line: {', '.join(unknown)}" if header else "the file is empty"
        raise UnusableFile(f"{problem}; the columns are {', '.join(COLUMNS)}")
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise UnusableFile(f"columns occur more than once in the first line: {', '.join(repeated)}")


def _report(cells: dict[str, str]) -> Report:
    report: Report = {name: cell.strip() for name, cell in cells.items() if cell.strip()}
    for name in ("account_id", "contact_id"):
        if report.get(name, "").isdecimal():
            report[name] = int(report[name])
    send = {name: report.pop(f"send_{name}") for name in ("kind", "id", "sent_at") if f"send_{name}" in report}
    return {**report, "send": send} if send else report


def _with_zone(report: Report, zone: ZoneInfo | None) -> Report:
    if zone is None:
        return report
    converted = {**report, "occurred_at": _with_offset(report.get("occurred_at"), zone)}
    if isinstance(report.get("send"), dict):
        converted["send"] = {**report["send"], "sent_at": _with_offset(report["send"].get("sent_at"), zone)}
    return converted


def _with_offset(value: object, zone: ZoneInfo) -> object:
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return value  # the service reports the problem
    return value if instant is None or instant.tzinfo else instant.replace(tzinfo=zone).isoformat()
