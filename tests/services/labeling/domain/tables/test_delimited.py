"""The records do not depend on the pieces in which a file is read."""

import csv
import io
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.labeling.domain.tables.delimited import MOST_LINES, delimiter_of, read_records, separator_line

CELL = st.text(st.sampled_from('ab;,"\n\r\t é|'), max_size=6)
ROWS = st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=8)


def in_pieces(text: str, delimiter: str, size: int) -> list[list[str]]:
    rows: list[list[str]] = []
    begin, end = 0, size
    while True:
        is_last = end >= len(text)
        read = read_records(text[begin:end], delimiter, is_last=is_last)
        rows += read.rows
        begin += read.consumed
        if is_last:
            return rows
        end += size


@given(ROWS, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n"]), st.integers(1, 30))
def test_rows_written_by_csv_are_read_back_from_pieces_of_any_size(
    rows: list[list[str]], delimiter: str, line_end: str, size: int
) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    text = written.getvalue()
    assert read_records(text, delimiter, is_last=True).rows == rows
    assert in_pieces(text, delimiter, size) == rows


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_line_ends_of_all_kinds_are_read(line_end: str, size: int) -> None:
    text = line_end.join(["a;b", "", '1;"x, y"', "2;z", ""])
    assert in_pieces(text, ";", size) == [["a", "b"], [], ["1", "x, y"], ["2", "z"]]


def test_an_unclosed_quote_affects_only_its_own_line() -> None:
    lines = ["name;city", '"Ann;Gent', *(f"p{number};Gent" for number in range(3 * MOST_LINES))]
    rows = read_records("\n".join(lines), ";", is_last=True).rows
    assert len(rows) == len(lines)
    assert rows[1] == ['"Ann', "Gent"]
    assert rows[-1] == [f"p{3 * MOST_LINES - 1}", "Gent"]


def test_many_stray_quotes_are_read_in_reasonable_time() -> None:
    text = '"a;b\n' * 5_000
    assert len(read_records(text, ";", is_last=True).rows) >= 1


def test_a_quote_within_a_field_is_text() -> None:
    assert read_records('5" nail;x\n"say ""hi""";y\n', ";", is_last=True).rows == [['5" nail', "x"], ['say "hi"', "y"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_makes_a_regular_table(delimiter: str) -> None:
    rows = [["name", "e-mail", "labels"], ["Ann, B", "a@x.be", '"Dogs, Cats"'], ["Cis", "c@x.be", '"Birds"']]
    text = "\n".join(delimiter.join(f'"{cell}"' if "," in cell else cell for cell in row) for row in rows)
    assert delimiter_of(text) == delimiter


def test_the_separator_line_of_excel_gives_the_delimiter() -> None:
    assert separator_line("sep=|\r\na|b") == ("|", 7)
    assert separator_line("a|b") is None


def test_text_without_cells_has_no_records() -> None:
    assert read_records("", ",", is_last=True).rows == []
    assert list(chain(*read_records("\n\n", ",", is_last=True).rows)) == []
