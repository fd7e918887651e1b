"""Cells are read in the ways in which people write values."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.tables.cells import (
    DateOrder,
    Decimal,
    Spelling,
    clean,
    escape_formula,
    read_boolean,
    read_date,
    read_labels,
    read_number,
)

TODAY = date(2026, 11, 25)


@given(st.text())
def test_an_escaped_cell_is_read_back_unchanged(text: str) -> None:
    assert clean(escape_formula(text)) == text


@given(st.text())
def test_an_escaped_cell_does_not_begin_like_a_formula(text: str) -> None:
    assert not escape_formula(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n", "|", "%"))


def test_spaces_and_excels_text_formula_are_removed() -> None:
    assert clean('  ="0470 12"\u00a0') == "0470 12"
    assert clean("' x ") == " x "


@pytest.mark.parametrize(
    ("cell", "dates", "expected"),
    [
        ("2024-02-29", "day_first", "2024-02-29"),
        ("2024-2-9T10:00:00", "iso", "2024-02-09"),
        ("3/4/1990", "day_first", "1990-04-03"),
        ("3/4/1990", "month_first", "1990-03-04"),
        ("03.04.90", "day_first", "1990-04-03"),
        ("3-4-25", "day_first", "2025-04-03"),
        ("3-4-70", "day_first", "1970-04-03"),
        ("1990/04/03", "iso", "1990-04-03"),
        ("3/4/1990 0:00", "day_first", "1990-04-03"),
    ],
)
def test_dates_are_read_in_the_given_order(cell: str, dates: DateOrder, expected: str) -> None:
    assert read_date(cell, Spelling(dates, ".", TODAY)) == expected


@pytest.mark.parametrize("cell", ["31/2/1990", "13/13/1990", "3/4-1990", "soon", "1/2", "3/4/199"])
def test_rejects_text_that_is_not_a_date(cell: str) -> None:
    with pytest.raises(InvalidError):
        read_date(cell, Spelling("day_first", ".", TODAY))


@pytest.mark.parametrize(
    ("cell", "decimal", "expected"),
    [
        ("12,5", ",", 12.5),
        ("1.234,50", ",", 1234.5),
        ("1.234", ",", 1234),
        ("1.234", ".", 1.234),
        ("1,234", ".", 1234),
        ("€ 1 234,5", ",", 1234.5),
        ("-7", ".", -7),
        ("1e-7", ".", 1e-7),
    ],
)
def test_numbers_are_read_with_the_given_decimal_separator(cell: str, decimal: Decimal, expected: float) -> None:
    assert read_number(cell, Spelling("iso", decimal, TODAY)) == expected


@pytest.mark.parametrize(("cell", "decimal"), [("12.5", ","), ("1,23", "."), ("", "."), ("nan", "."), ("1.2.3", ".")])
def test_rejects_text_that_is_not_a_number(cell: str, decimal: Decimal) -> None:
    with pytest.raises(InvalidError):
        read_number(cell, Spelling("iso", decimal, TODAY))


def test_booleans_are_read_in_several_languages() -> None:
    assert [read_boolean(cell) for cell in ("Ja", "x", "FAUX", "0")] == [True, True, False, False]
    with pytest.raises(InvalidError):
        read_boolean("maybe")


def test_labels_are_split_at_commas_without_duplicates() -> None:
    assert read_labels(" Dogs, Cats,,Dogs ") == ["Dogs", "Cats"]
