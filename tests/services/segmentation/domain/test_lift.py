"""The effect of a campaign, with a confidence interval."""

import pytest

from services.segmentation.domain.lift import lift_of


def test_the_interval_contains_the_difference_and_is_narrow_for_many_contacts() -> None:
    # The shares of Newcombe (1998), table II, example (a): 56/70 and 48/80, for which method 10 gives 0.0524 to 0.3339;
    # with a thousand times as many contacts, the interval is narrow.
    found = lift_of(70_000, 56_000, 80_000, 48_000)
    assert found is not None
    assert found.difference == pytest.approx(0.2)
    assert found.lowest < 0.2 < found.highest
    assert found.highest - found.lowest < 0.02


def test_too_few_held_out_contacts_give_no_lift() -> None:
    assert lift_of(10_000, 500, 999, 20) is None
    assert lift_of(0, 0, 5000, 20) is None
    assert lift_of(10_000, 0, 1000, 0) is not None
