"""A batch is divided evenly among the partitions, and unused shares go to the other partitions."""

from hypothesis import given
from hypothesis import strategies as st

from shared.bus.dealing import GROUPS, deal, units_of


def test_partitions_with_enough_records_get_equal_shares() -> None:
    assert deal({0: 9_000, 2: 9_000, 4: 9_000}, 3_000) == {0: 1_000, 2: 1_000, 4: 1_000}


def test_unused_shares_go_to_the_other_partitions() -> None:
    assert deal({0: 10, 2: 9_000, 4: 0}, 3_000) == {0: 10, 2: 2_990}


@given(st.dictionaries(st.integers(0, 11), st.integers(0, 6_000)), st.integers(12, 5_000))
def test_batches_are_filled_as_far_as_possible(waiting: dict[int, int], most: int) -> None:
    shares = deal(waiting, most)
    assert all(0 < share <= waiting[number] for number, share in shares.items())
    assert sum(shares.values()) == min(most, sum(waiting.values()))


def test_each_group_gets_one_unit_if_its_items_fit() -> None:
    items = {number: [(number, one) for one in range(10)] for number in range(12)}
    units = list(units_of(items, most=1_000))
    assert [{number % GROUPS for number, _ in unit} for unit in units] == [{0}, {1}]
    assert sorted(item for unit in units for item in unit) == sorted(item for some in items.values() for item in some)


def test_a_unit_exceeds_the_limit_only_for_a_single_partition() -> None:
    items = {number: list(range(600)) for number in (0, 2, 4)} | {6: list(range(5_000))}
    assert [len(unit) for unit in units_of(items, most=1_300)] == [1_200, 600, 5_000]
