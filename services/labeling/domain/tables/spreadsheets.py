"""Spreadsheets as rows of texts."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from services.labeling.domain.errors import InvalidError


def rows_of(content: bytes) -> Iterator[list[str]]:
    """Yield the rows of the first visible sheet that has any, as texts. Raises InvalidError."""
    try:
        workbook = CalamineWorkbook.from_filelike(BytesIO(content))
        visible = [sheet.name for sheet in workbook.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
        for name in visible:
            sheet = workbook.get_sheet_by_name(name)
            if sheet.height:
                yield from (_texts(row) for row in sheet.iter_rows())
                return
    except PasswordError:
        raise InvalidError("the file is protected by a password; save it without one") from None
    except CalamineError as error:
        raise InvalidError(f"the spreadsheet cannot be read: {error}") from None
    raise InvalidError("the spreadsheet has no rows")


def _texts(row: list[Any]) -> list[str]:
    texts = [_text(value) for value in row]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _text(value: str | float | bool | date | datetime | time | timedelta | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
