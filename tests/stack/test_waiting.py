"""A wait that times out reports the differences."""

import pytest

from tests.stack.waiting import difference, until_equal


def test_only_differences_are_shown() -> None:
    found = dict.fromkeys(range(100), 2) | {7: 1}
    del found[9]
    assert difference(found, dict.fromkeys(range(100), 2)) == "2 of 100 differ: 7: 1, not 2; 9: 'missing', not 2"


def test_sequences_are_compared_up_to_the_first_difference() -> None:
    assert difference([1, 2, 4], [1, 2, 3]) == "at 2 there is 4, not 3; 3 of 3"
    assert difference([1, 2], [1, 2, 3]) == "there are 2, not 3; the last one is [2]"


@pytest.mark.asyncio
async def test_a_wait_that_times_out_raises_an_error_with_the_difference() -> None:
    async def ask() -> dict[int, int]:
        return {1: 2}

    with pytest.raises(AssertionError, match="1: 2, not 3"):
        await until_equal(ask, {1: 3}, within=0.05)
