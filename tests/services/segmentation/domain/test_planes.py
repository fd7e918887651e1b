"""Bit slices are counters: after any additions and subtractions, they equal a Counter."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from services.segmentation.domain.planes import Planes, add_planes, number_of, occurrences, remove_planes, satisfying
from shared.criteria.grammar import Count

contacts = st.lists(st.integers(0, 5), max_size=40)
UNIVERSE = BitMap(range(6))


def numbers(planes: Planes) -> Counter[int]:
    return Counter({contact: number_of(planes, contact) for contact in UNIVERSE if number_of(planes, contact)})


@given(st.lists(contacts, max_size=5), contacts)
def test_additions_and_subtractions_equal_those_of_a_counter(batches: list[list[int]], taken: list[int]) -> None:
    planes: Planes = []
    expected: Counter[int] = Counter()
    for batch in [*batches, taken]:
        add_planes(planes, occurrences(batch), None)
        expected += Counter(batch)
    assert numbers(planes) == expected
    remove_planes(planes, occurrences(taken))
    assert numbers(planes) == expected - Counter(taken)


@given(contacts, contacts, st.sets(st.integers(0, 5)))
def test_additions_can_be_limited_to_some_contacts(first: list[int], second: list[int], within: set[int]) -> None:
    planes = occurrences(first)
    add_planes(planes, occurrences(second), BitMap(within))
    for contact in within:
        assert number_of(planes, contact) == (first + second).count(contact)


@given(contacts, st.sampled_from(["at_least", "at_most", "exactly"]), st.integers(0, 9))
def test_satisfying_finds_the_contacts_whose_count_meets_the_condition(
    seen: list[int], comparison: str, number: int
) -> None:
    count = Count(comparison, number)  # type: ignore[arg-type]
    expected = {contact for contact in UNIVERSE if count.holds(seen.count(contact))}
    assert set(satisfying(occurrences(seen) if seen else [], count, UNIVERSE)) == expected


def test_adding_does_not_modify_the_added_planes() -> None:
    once = occurrences([1, 2])
    planes: Planes = []
    add_planes(planes, once, None)
    add_planes(planes, once, None)
    assert once == [BitMap([1, 2])]
    assert numbers(planes) == Counter({1: 2, 2: 2})
