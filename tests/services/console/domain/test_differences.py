"""Differences contain the common lines of two versions and the lines that were removed or added."""

from hypothesis import given
from hypothesis import strategies as st

from services.console.domain.differences import Line, differences

LINES = st.lists(st.builds(Line, st.integers(0, 2), st.sampled_from("abcde")), max_size=12)


def test_a_changed_line_is_removed_and_added() -> None:
    before = [Line(0, "Send the guide"), Line(0, "Wait 1 day"), Line(0, "End here")]
    after = [Line(0, "Send the guide"), Line(0, "Wait 3 days"), Line(0, "End here")]
    assert [(found.change, found.line.text) for found in differences(before, after)] == [
        ("same", "Send the guide"),
        ("removed", "Wait 1 day"),
        ("added", "Wait 3 days"),
        ("same", "End here"),
    ]


@given(before=LINES, after=LINES)
def test_both_versions_can_be_restored_from_the_differences(before: list[Line], after: list[Line]) -> None:
    found = list(differences(before, after))
    assert [one.line for one in found if one.change != "added"] == before
    assert [one.line for one in found if one.change != "removed"] == after
