"""Rows of an import that repeat a contact, and the numbers of a check."""

from hypothesis import given
from hypothesis import strategies as st

from services.labeling.domain.directory import Key
from services.labeling.domain.imports.repeats import repeats
from services.labeling.domain.imports.summary import RowOutcome, Summary

ANN: Key = ("email", "ann@example.com")
BOB: Key = ("email", "bob@example.com")
ONE: Key = ("external", "1")
TWO: Key = ("external", "2")
KEYS = st.sets(st.sampled_from([ANN, BOB, ONE, TWO]))
OUTCOMES: list[RowOutcome] = ["create", "update", "unchanged", "duplicate", "skipped", "error"]


def test_a_row_repeats_a_contact_by_any_of_its_keys() -> None:
    assert repeats([[ONE, ANN], [ANN], [ONE], [TWO, BOB]], []) == [False, True, True, False]


def test_a_repeated_row_adds_its_keys() -> None:
    """Check that the third row is about Ann, who gets its address by the second row."""
    assert repeats([[ONE, ANN], [ONE, BOB], [BOB]], []) == [False, True, True]


def test_a_row_without_keys_repeats_nothing() -> None:
    assert repeats([[], [ANN], []], [ANN]) == [False, True, False]


@given(st.lists(KEYS), st.integers(min_value=0))
def test_repeats_do_not_depend_on_the_division_into_batches(rows: list[set[Key]], cut: int) -> None:
    cut %= len(rows) + 1
    first, second = rows[:cut], rows[cut:]
    earlier = set[Key]().union(*first)
    assert repeats(first, []) + repeats(second, earlier) == repeats(rows, [])


@given(st.lists(st.tuples(st.sampled_from(OUTCOMES), st.booleans())))
def test_every_row_is_counted_once(rows: list[tuple[RowOutcome, bool]]) -> None:
    summary = Summary()
    for outcome, suppressed in rows:
        summary = Summary.of(summary.as_stored())  # as between two steps
        summary.count(outcome, suppressed=suppressed)
    shown = summary.as_shown([])
    names = {"error": "errors", "duplicate": "duplicates"}
    outcomes = [outcome for outcome, _ in rows]
    assert {outcome: shown[names.get(outcome, outcome)] for outcome in OUTCOMES} == {
        outcome: outcomes.count(outcome) for outcome in OUTCOMES
    }
    assert shown["rows"] == len(rows)
    assert shown["suppressed"] == sum(suppressed for _, suppressed in rows)


def test_a_check_started_by_the_previous_version_continues() -> None:
    stored = {"rows": 3, "create": 2, "errors": 1, "suppressed": 1, "unknown": {}, "reasons": {}, "overwrites": {}}
    summary = Summary.of(stored)
    summary.count("duplicate", suppressed=False)
    assert summary.as_stored().keys() == Summary().as_stored().keys()
    shown = summary.as_shown([])
    assert (shown["rows"], shown["create"], shown["duplicates"]) == (4, 2, 1)
