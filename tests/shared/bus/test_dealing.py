"""A batch is dealt evenly, and what one does not use goes to the others."""

from hypothesis import given
from hypothesis import strategies as st

from shared.bus.dealing import deal


def test_everybody_gets_the_same() -> None:
    assert deal({0: 9_000, 2: 9_000, 4: 9_000}, 3_000) == {0: 1_000, 2: 1_000, 4: 1_000}


def test_what_one_does_not_need_goes_to_the_others() -> None:
    assert deal({0: 10, 2: 9_000, 4: 0}, 3_000) == {0: 10, 2: 2_990}


@given(st.dictionaries(st.integers(0, 11), st.integers(0, 6_000)), st.integers(12, 5_000))
def test_nothing_is_left_that_fits(waiting: dict[int, int], most: int) -> None:
    shares = deal(waiting, most)
    assert all(0 < share <= waiting[number] for number, share in shares.items())
    assert sum(shares.values()) == min(most, sum(waiting.values()))
