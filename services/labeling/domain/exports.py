"""The columns of an export, and the cells of a contact in each format."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import orjson

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.tables.cells import clean, escape_formula

Format = Literal["csv", "csv_excel", "xlsx", "ndjson"]
PLAIN = ("contact_id", "external_id", "email", "subscription", "language")
LABELS = "interesselabels"
USUAL = ("external_id", "email", "subscription", "language")
MEDIA_TYPES: Mapping[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "csv_excel": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ndjson": "application/x-ndjson",
}
ENDINGS: Mapping[Format, str] = {"csv": "csv", "csv_excel": "csv", "xlsx": "xlsx", "ndjson": "ndjson"}
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class InterestColumn(NamedTuple):
    """A column about the clicks for a label."""

    kind: Literal["clicks", "last_click"]
    label_id: UUID


class ExportedContact(NamedTuple):
    """A contact as it is exported: labels by id, with whether it holds them, clicks, and the last click."""

    contact_id: int
    external_id: str | None
    email: str | None
    subscription: str
    language: str | None
    fields: Mapping[str, Any]
    labels: Mapping[UUID, tuple[bool, int, datetime | None]]


def interest_column_of(column: str) -> InterestColumn | None:
    """Parse a column `clicks:<label id>` or `last_click:<label id>`; return None for other columns."""
    kind, colon, label_id = column.partition(":")
    if not colon or kind not in ("clicks", "last_click"):
        return None
    try:
        return InterestColumn("clicks" if kind == "clicks" else "last_click", UUID(label_id))
    except ValueError:
        return None


def check_columns(columns: Sequence[str], fields: Mapping[str, Any], label_ids: Sequence[UUID]) -> None:
    """Raise InvalidError, with a pointer into `columns`, for a column that does not exist or is named twice."""
    for index, column in enumerate(columns):
        interest = interest_column_of(column)
        known = column in PLAIN or column == LABELS or column in fields
        if not known and (interest is None or interest.label_id not in label_ids):
            raise InvalidError(f"there is no column {column!r}", f"/{index}")
        if column in columns[:index]:
            raise InvalidError("the column occurs twice", f"/{index}")


class RowWriter:
    """Writes contacts as lines of a format. A spreadsheet is written as CSV first.

    `names` are the names of the account's labels, by id.
    """

    def __init__(self, format_: Format, columns: Sequence[str], names: Mapping[UUID, str]) -> None:
        self._format = format_
        self._columns = columns
        self._interests = {column: interest_column_of(column) for column in columns if column not in PLAIN}
        self._names = names
        self._delimiter = ";" if format_ == "csv_excel" else ","

    def head(self) -> bytes:
        """Return the beginning of the file, before the first contact."""
        if self._format == "ndjson":
            return b""
        mark = BYTE_ORDER_MARK if self._format == "csv_excel" else b""
        return mark + self._lines([list(self._columns)])

    def write(self, contacts: Sequence[ExportedContact]) -> bytes:
        """Return the lines of these contacts."""
        if self._format == "ndjson":
            lines = (orjson.dumps(self._members(contact), option=orjson.OPT_APPEND_NEWLINE) for contact in contacts)
            return b"".join(lines)
        return self._lines([self._cells(contact) for contact in contacts])

    def _lines(self, rows: Sequence[Sequence[str]]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self._delimiter, lineterminator="\r\n").writerows(rows)
        return text.getvalue().encode("utf-8", "replace")

    def _members(self, contact: ExportedContact) -> dict[str, Any]:
        values = {column: self._value(contact, column) for column in self._columns}
        return {column: value for column, value in values.items() if value is not None}

    def _cells(self, contact: ExportedContact) -> list[str]:
        return [self._cell(self._value(contact, column)) for column in self._columns]

    def _value(self, contact: ExportedContact, column: str) -> Any:  # noqa: ANN401 - depends on the column
        if column in PLAIN:
            return getattr(contact, column)
        if column == LABELS:
            held = [self._names[label_id] for label_id, (is_held, _, _) in contact.labels.items() if is_held]
            return ",".join(sorted(held)) or None
        interest = self._interests[column]
        if interest is None:
            return contact.fields.get(column)
        _, clicks, last_click = contact.labels.get(interest.label_id, (False, 0, None))
        if interest.kind == "clicks":
            return clicks
        return None if last_click is None else last_click.isoformat(timespec="seconds")

    def _cell(self, value: Any) -> str:  # noqa: ANN401 - depends on the column
        if value is None:
            return ""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bool):
            return "true" if value else "false"
        text = repr(value)
        return text.replace(".", ",") if self._format == "csv_excel" else text

    def _text(self, text: str) -> str:
        if self._format != "xlsx":
            return escape_formula(text)
        # A cell of a spreadsheet has the type text: only texts that would be read back differently are marked.
        return text if clean(text) == text else f"'{text}"
