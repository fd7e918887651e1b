"""Recognises a table by the beginning of a file, and reads it piece by piece."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.fields import Field
from services.labeling.domain.tables.columns import Table, recognise
from services.labeling.domain.tables.delimited import delimiter_of, read_records, separator_line
from services.labeling.domain.tables.encodings import Encoding, byte_length, decode, encoding_of, mark_length
from services.labeling.domain.tables.json_lines import MOST_EXAMINED, cells_of, names_of, split_lines

Kind = Literal["csv", "xlsx", "xls", "ods", "ndjson"]


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is read.

    Spreadsheets are stored as delimited text; `kind` is the type of the uploaded file. `skip` is the number of bytes
    before the first record, `header` the number of the record with the names of the columns (0 if there is none),
    `width` the number of columns, `names` the names of members in lines of JSON.
    """

    kind: Kind
    encoding: Encoding = "utf-8"
    delimiter: str = ","
    skip: int = 0
    header: int = 0
    width: int = 0
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Format":
        """Return the format that `as_stored` wrote."""
        return cls(**{**stored, "names": tuple(stored["names"])})

    def as_stored(self) -> dict[str, Any]:
        """Return the format as JSON."""
        return asdict(self)


class RowsRead(NamedTuple):
    """The rows of a piece of a file, and the number of their bytes. An unreadable row is replaced by the reason."""

    rows: list[list[str] | str]
    consumed: int


def recognise_text(
    head: bytes, fields: Mapping[str, Field], *, kind: Kind, is_utf_8: bool, is_last: bool
) -> tuple[Format, Table]:
    """Recognise delimited text or lines of JSON by the beginning of the file. Raises InvalidError."""
    encoding = encoding_of(head, is_utf_8=is_utf_8)
    skip = mark_length(head, encoding)
    if kind == "csv" and head[skip:].lstrip()[:1] == b"{":
        return _recognise_json(head, skip, fields, is_last=is_last)
    if head[skip:].lstrip()[:2] in (b"[{", b"[\n", b"[\r"):
        raise InvalidError("the file is a JSON array; write one object per line instead")
    text, _ = decode(head[skip:], encoding)
    separator = separator_line(text) if kind == "csv" else None
    if separator is not None:
        skip += byte_length(text[: separator[1]], encoding)
        text = text[separator[1] :]
    delimiter = "," if kind != "csv" else separator[0] if separator is not None else delimiter_of(text)
    records = read_records(text, delimiter, is_last=is_last).rows
    table = recognise(records, fields)
    header = 0 if table.header is None else table.header + 1
    return Format(kind, encoding, delimiter, skip, header, len(table.columns)), table


def _recognise_json(head: bytes, skip: int, fields: Mapping[str, Field], *, is_last: bool) -> tuple[Format, Table]:
    lines, _ = split_lines(head[skip:], is_last=is_last)
    names = names_of(lines)
    rows = [cells_of(line, names) for line in lines[:MOST_EXAMINED] if line.strip()]
    table = recognise([names, *rows], fields)
    # `header` is 0, because the names are not a row of the file.
    return Format("ndjson", "utf-8", "", skip, 0, len(names), tuple(names)), table


def read_piece(format_: Format, content: bytes, *, is_last: bool) -> RowsRead:
    """Read the complete rows of `content`, which begins with a row."""
    if format_.kind == "ndjson":
        return _read_json(format_, content, is_last=is_last)
    text, _ = decode(content, format_.encoding)
    records = read_records(text, format_.delimiter, is_last=is_last)
    consumed = byte_length(text[: records.consumed], format_.encoding)
    is_readable = text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
    rows: list[list[str] | str] = (
        list(records.rows) if is_readable else [[_replace_surrogates(cell) for cell in row] for row in records.rows]
    )
    return RowsRead(rows, consumed)


def _replace_surrogates(cell: str) -> str:
    return cell if cell.isascii() else cell.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _read_json(format_: Format, content: bytes, *, is_last: bool) -> RowsRead:
    lines, consumed = split_lines(content, is_last=is_last)
    rows: list[list[str] | str] = []
    for line in lines:
        try:
            rows.append(cells_of(line, format_.names) if line.strip() else [])
        except InvalidError as error:
            rows.append(error.detail)
    return RowsRead(rows, consumed)
