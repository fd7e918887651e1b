"""A split sends a share of the contacts into each branch, and a contact always into the same branch."""

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.workflow.domain.splitting import takes_then
from tests.services.workflow.domain.story import WORKFLOW, Story
from tests.services.workflow.events import GUIDE, OFFER, assigned


def test_about_the_given_share_takes_the_then_branch() -> None:
    then = sum(takes_then(30, WORKFLOW, "split", contact) for contact in range(20_000))
    assert abs(then - 6_000) < 300


@given(st.integers(1, 2**31), st.floats(0.1, 99.9), st.floats(0.1, 99.9))
def test_a_larger_share_includes_the_contacts_of_a_smaller_one(contact: int, one: float, other: float) -> None:
    smaller, larger = sorted((one, other))
    assert takes_then(larger, WORKFLOW, "split", contact) or not takes_then(smaller, WORKFLOW, "split", contact)


def test_splits_of_different_workflows_and_steps_are_independent() -> None:
    other = uuid4()
    contacts = range(10_000)
    for alike in (
        sum(takes_then(50, WORKFLOW, "a", one) == takes_then(50, other, "a", one) for one in contacts),
        sum(takes_then(50, WORKFLOW, "a", one) == takes_then(50, WORKFLOW, "b", one) for one in contacts),
    ):
        assert abs(alike - 5_000) < 300


def test_a_run_takes_the_branch_of_its_contact() -> None:
    split = {
        "id": "half",
        "split": {
            "percent": 50,
            "then": [{"id": "guide", "send": {"message": str(GUIDE)}}],
            "else": [{"id": "offer", "send": {"message": str(OFFER)}}],
        },
    }
    for contact in range(1, 20):
        taken = Story([split]).starts(assigned(contact=contact)).taken
        assert taken == ["half", "guide" if takes_then(50, WORKFLOW, "half", contact) else "offer"]
