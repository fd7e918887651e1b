"""Accounts take turns."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.workflow.domain.turns import Turns


def test_a_second_account_has_every_other_turn() -> None:
    turns = Turns()
    assert [turns.take([1]) for _ in range(3)] == [1, 1, 1]
    assert [turns.take([1, 2]) for _ in range(5)] == [2, 1, 2, 1, 2]
    assert turns.take([1]) == 1
    assert turns.take([1, 2]) == 2


@given(st.sets(st.integers(1, 9), min_size=1), st.integers(1, 20))
def test_all_accounts_get_the_same_number_of_turns(accounts: set[int], rounds: int) -> None:
    turns = Turns()
    taken = Counter(turns.take(accounts) for _ in range(rounds * len(accounts)))
    assert taken == dict.fromkeys(accounts, rounds)
