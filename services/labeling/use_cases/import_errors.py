"""The refused rows of an import, as a file that can be corrected and imported again."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

from services.labeling.domain.tables.reading import Format
from services.labeling.store.import_rows import refused_rows
from services.labeling.store.imports import Import
from shared.store.database import Database

BATCH_SIZE = 1_000  # rows
REASON_COLUMN = "import_error"  # an import skips a column of this name by default


async def error_file(database: Database, an_import: Import) -> AsyncIterator[bytes]:
    """Yield the refused rows unchanged, with the reason in an additional column.

    The delimiter is that of the original file, so that the same program can open this one. The encoding is UTF-8 with a
    byte order mark, by which spreadsheet programs recognise it.
    """
    format_ = Format.of(an_import.format)
    delimiter = format_.delimiter if format_.kind == "csv" else ";"
    headers = [column["header"] or f"column {column['index'] + 1}" for column in an_import.columns]
    yield b"\xef\xbb\xbf" + _lines([[*headers, REASON_COLUMN]], delimiter)
    after = 0
    while True:
        rows = await refused_rows(database.pool, an_import.id, an_import.generation, after, BATCH_SIZE)
        width = len(headers)
        lines = [[*row.cells[:width], *[""] * (width - len(row.cells)), reason] for row, reason in rows]
        yield _lines(lines, delimiter)
        if len(rows) < BATCH_SIZE:
            return
        after = rows[-1][0].number


def _lines(rows: list[list[Any]], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
