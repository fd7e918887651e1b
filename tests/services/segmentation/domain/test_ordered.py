"""An ordered column of numbers answers comparisons as a dictionary of the numbers would."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from services.segmentation.domain.ordered import Ordered, float_of_key, key_of_float

numbers = st.integers(0, 300)
puts = st.lists(st.dictionaries(st.integers(0, 6), st.one_of(st.none(), numbers)), max_size=6)


@given(puts, numbers, numbers, st.one_of(st.none(), st.sets(st.integers(0, 6))))
def test_comparisons_equal_those_of_a_dictionary(
    batches: list[dict[int, int | None]], low: int, high: int, within: set[int] | None
) -> None:
    index, plain = Ordered(), dict[int, int]()
    index.cached_between(low, high)
    for batch in batches:
        gone = [contact for contact, number in batch.items() if number is None]
        index.remove(BitMap(gone))
        index.put({contact: number for contact, number in batch.items() if number is not None})
        plain = {contact: number for contact, number in (plain | batch).items() if number is not None}
    asked = {contact: number for contact, number in plain.items() if within is None or contact in within}
    some = None if within is None else BitMap(within)
    less, equal, more = index.compared(low, some)

    def contacts_where(condition: Callable[[int], bool]) -> set[int]:
        return {contact for contact, number in asked.items() if condition(number)}

    assert set(less) == contacts_where(lambda number: number < low)
    assert set(equal) == contacts_where(lambda number: number == low)
    assert set(more) == contacts_where(lambda number: number > low)
    assert set(index.between(low, high, some)) == contacts_where(lambda number: low <= number <= high)
    assert {contact: index.get(contact) for contact in index.present} == plain
    assert set(index.cached_between(low, high)) == {c for c, number in plain.items() if low <= number <= high}


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_keys_of_floats_sort_like_the_floats(one: float, other: float) -> None:
    one, other = one + 0.0, other + 0.0  # turns -0.0 into 0.0
    assert (key_of_float(one) < key_of_float(other)) == (one < other)
    assert float_of_key(key_of_float(one)) == one


@pytest.mark.parametrize("count", [5, 500])
def test_finds_a_range_among_few_and_many_distinct_numbers(count: int) -> None:
    index = Ordered()
    index.put({contact: contact * 3 for contact in range(count)})
    assert set(index.between(3, 9)) == {1, 2, 3}
