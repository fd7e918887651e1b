"""Files of clicks, in CSV and NDJSON, are read row by row."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.command_line.click_rows import ClickFileRow, UnusableFile, rows_of

HEADER = "external_id,message_id,url,occurred_at\n"


def csv_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "clicks.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def ndjson_file(folder: Path, lines: Sequence[object]) -> Path:
    path = folder / "clicks.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def read(path: Path, zone: str | None = None) -> list[ClickFileRow]:
    return list(rows_of(path, None if zone is None else ZoneInfo(zone)))


def ids(rows: Sequence[ClickFileRow]) -> list[str]:
    return [row.report["id"] for row in rows if row.report is not None]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_cells_may_be_separated_by_semicolons_or_tabs(tmp_path: Path, delimiter: str) -> None:
    path = csv_file(tmp_path, "contact_id,url,user_agent\n12,u,x\n".replace(",", delimiter))
    [row] = read(path)
    assert row.report is not None
    assert (row.report["contact_id"], row.report["url"], row.report["user_agent"]) == (12, "u", "x")


def test_cells_become_the_members_of_a_report(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "contact_id,message_id,link_id,occurred_at,send_kind,send_id,send_sent_at,user_agent,ip\n"
        '12,m,l,2026-03-01T12:00:00Z,campaign,spring,2026-03-01T08:00:00Z,"Mozilla, they say",\n',
    )

    (row,) = read(path)

    assert row.number == 2
    assert row.report == {
        "id": row.report and row.report["id"],
        "contact_id": 12,
        "message_id": "m",
        "link_id": "l",
        "occurred_at": "2026-03-01T12:00:00Z",
        "send": {"kind": "campaign", "id": "spring", "sent_at": "2026-03-01T08:00:00Z"},
        "user_agent": "Mozilla, they say",
    }


def test_a_file_read_twice_gives_the_same_ids(tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEADER + "a,m,u,t\nb,m,u,t\n")

    assert ids(read(path)) == ids(read(path))


def test_identical_rows_get_different_ids(tmp_path: Path) -> None:
    rows = read(csv_file(tmp_path, HEADER + "a,m,u,t\n" * 3))

    assert len(set(ids(rows))) == 3


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=5))
def test_adding_rows_does_not_change_the_ids_of_existing_rows(before: list[str], more: list[str]) -> None:
    identities = [f"{name},m,u,t\n" for name in before]
    grown = sorted([*identities, *(f"{name},m,u,t\n" for name in more)])

    assert set(ids(_in_memory(identities))) <= set(ids(_in_memory(grown)))


def _in_memory(lines: Sequence[str]) -> list[ClickFileRow]:
    with TemporaryDirectory() as folder:
        return read(csv_file(Path(folder), HEADER + "".join(lines)))


def test_the_same_click_has_the_same_id_in_csv_and_ndjson(tmp_path: Path) -> None:
    report = {"occurred_at": "t", "url": "u", "message_id": "m", "external_id": "a"}

    assert ids(read(ndjson_file(tmp_path, [report]))) == ids(read(csv_file(tmp_path, HEADER + "a,m,u,t\n")))


def test_an_id_in_the_row_is_used_unchanged(tmp_path: Path) -> None:
    assert ids(read(ndjson_file(tmp_path, [{"id": "click-1"}, {"id": "click-1"}]))) == ["click-1", "click-1"]


def test_the_time_zone_does_not_change_ids(tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEADER + "a,m,u,2026-07-01 12:00:00\n")

    assert ids(read(path, "Europe/Brussels")) == ids(read(path))


def test_times_without_a_zone_are_read_in_the_given_time_zone(tmp_path: Path) -> None:
    path = ndjson_file(
        tmp_path,
        [
            {"occurred_at": "2026-07-01 12:00:00", "send": {"sent_at": "2026-01-01T12:00:00"}},
            {"occurred_at": "2026-07-01T12:00:00Z"},
            {"occurred_at": "yesterday"},
            {"occurred_at": 5, "send": 7},
        ],
    )

    reports = [row.report or {} for row in read(path, "Europe/Brussels")]

    assert reports[0]["occurred_at"] == "2026-07-01T12:00:00+02:00"
    assert reports[0]["send"]["sent_at"] == "2026-01-01T12:00:00+01:00"
    assert [report["occurred_at"] for report in reports[1:]] == ["2026-07-01T12:00:00Z", "yesterday", 5]


def test_unreadable_rows_are_reported_with_their_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "clicks.ndjson"
    path.write_bytes(b'\xef\xbb\xbf{"url": "a"}\n\nno json\n[1]\n{"url": "\xff"}\n{"url": "b"}')

    rows = read(path)

    assert [(row.number, row.report is not None) for row in rows] == [
        (1, True),
        (3, False),
        (4, False),
        (5, False),
        (6, True),
    ]
    assert rows[2].problem == "not a JSON object"
    assert rows[-1].read == path.stat().st_size


def test_a_row_with_too_many_or_too_few_cells_is_reported(tmp_path: Path) -> None:
    rows = read(csv_file(tmp_path, HEADER + "a,m,u\n\na,m,u,t,x\na,m,u,t\n"))

    assert [(row.number, row.problem) for row in rows] == [
        (2, "3 cells, but the header has 4"),
        (4, "5 cells, but the header has 4"),
        (5, None),
    ]


def test_a_cell_may_contain_line_breaks_and_quotes(tmp_path: Path) -> None:
    rows = read(csv_file(tmp_path, HEADER + '"a\nb",m,"say ""u""",t\nc,m,u,t\n'))

    assert rows[0].report is not None
    assert (rows[0].report["external_id"], rows[0].report["url"]) == ("a\nb", 'say "u"')
    assert rows[1].number == 4


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (b"a;b;c\n1;2;3\n", "unknown columns in the first line: a, b, c"),
        (b"url,url\n1,2\n", "more than once in the first line: url"),
        (HEADER.encode() + b"a,m,\xff,t\n", "line 2: .*decode"),
    ],
)
def test_a_file_that_is_not_a_csv_of_clicks_is_rejected(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(UnusableFile, match=problem):
        read(csv_file(tmp_path, content))
