"""Events per day: the sum of any range is exact, however it was computed."""

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from services.segmentation.domain.planes import number_of
from services.segmentation.domain.tally import EVER, MAX_LOOSE_EVENTS, Range, Tally

CONTACTS = range(4)
adds = st.tuples(st.integers(1, 30), st.lists(st.sampled_from(CONTACTS), min_size=1, max_size=8))
ranges = st.one_of(
    st.just(EVER), st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda ends: (min(ends), max(ends)))
)
steps = st.lists(st.one_of(adds, ranges.map(list), st.just("day")), max_size=25)


@given(steps, ranges, st.booleans())
def test_sums_equal_the_events_of_the_days_in_the_range(steps: list[object], asked: Range, keep: bool) -> None:
    tally, plain = Tally(), list[tuple[int, int]]()
    for step in steps:
        if isinstance(step, tuple):
            day, contacts = step
            tally.add(day, contacts)
            plain += [(day, contact) for contact in contacts]
        elif isinstance(step, list):
            check(tally, plain, (step[0], step[1]), keep=True)
        else:
            tally.pass_day()
    check(tally, plain, asked, keep=keep)
    tally.forget_past()
    check(tally, plain, asked, keep=True)


def test_events_added_after_a_day_has_passed_are_in_the_next_sum() -> None:
    tally = Tally()
    tally.add(1, [0] * MAX_LOOSE_EVENTS)
    tally.add(1, [0])
    tally.counted((0, 1), None, keep=True)
    tally.pass_day()
    tally.add(1, [0])
    assert tally.number((0, 1), 0) == number_of(tally.counted((0, 1), None, keep=True), 0) == MAX_LOOSE_EVENTS + 2


def check(tally: Tally, plain: list[tuple[int, int]], asked: Range, *, keep: bool) -> None:
    expected = {
        contact: sum(asked[0] <= day <= asked[1] for day, one in plain if one == contact) for contact in CONTACTS
    }
    planes = tally.counted(asked, None, keep)
    assert {contact: number_of(planes, contact) for contact in CONTACTS} == expected
    some = tally.counted(asked, BitMap([1, 2]), keep)
    assert [number_of(some, contact) for contact in (1, 2)] == [expected[1], expected[2]]
    assert {contact: tally.number(asked, contact) for contact in CONTACTS} == expected
    assert set(tally.contacts_with_any(asked, None)) == {contact for contact, number in expected.items() if number}


def test_a_tally_is_loose_only_up_to_a_number_of_events() -> None:
    tally = Tally()
    for day in range(1, MAX_LOOSE_EVENTS + 1):
        assert not tally.add(day, [0])
    assert tally.loose is not None
    assert tally.add(99, [0])
    assert tally.loose is None
    assert len(tally.days) == MAX_LOOSE_EVENTS + 1
    assert not tally.add(99, [1])


@given(
    st.lists(st.tuples(st.integers(1, 200), st.sampled_from(CONTACTS)), min_size=60, max_size=120),
    st.lists(st.tuples(st.integers(0, 210), st.integers(0, 210)).map(lambda ends: (min(ends), max(ends))), max_size=4),
    st.lists(st.tuples(st.integers(1, 200), st.sampled_from(CONTACTS)), max_size=10),
)
def test_cached_blocks_of_days_include_later_events(
    events: list[tuple[int, int]], asked: list[Range], later: list[tuple[int, int]]
) -> None:
    tally = Tally()
    for day, contact in events:
        tally.add(day, [contact])
    for one in (EVER, (1, 200), *asked):
        check(tally, events, one, keep=False)
    for day, contact in later:
        tally.add(day, [contact])
    for one in (EVER, (1, 200), *asked):
        check(tally, events + later, one, keep=False)
