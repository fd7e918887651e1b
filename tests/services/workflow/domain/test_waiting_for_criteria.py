"""Waits that end when a criterion becomes true, and runs that reach a broken condition."""

from datetime import timedelta
from typing import Any

from tests.services.workflow.domain.story import NOON, Story
from tests.services.workflow.events import CATS, GUIDE, OFFER, assigned, changed, clicked, engaged

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
THANKS = {"id": "thanks", "send": {"message": str(GUIDE)}}
LATE = {"id": "late", "send": {"message": str(OFFER)}}


def wait_for(criterion: dict[str, Any] | None = None, **others: Any) -> dict[str, Any]:
    body = {"at_most": {"days": 3}, "then": [THANKS], "else": [LATE]} | others
    return {"id": "wait", "wait_for": body if criterion is None else body | {"criterion": criterion}}


def known(*steps: dict[str, Any], **definition: object) -> Story:
    """Return a workflow, and a known contact; for an unknown contact no criterion is true."""
    return Story(list(steps), **definition).given(changed(when=NOON - 2 * HOUR))


HOLDS_CATS = {"label": {"id": str(CATS)}}


def test_a_wait_ends_at_once_if_the_criterion_is_true() -> None:
    story = known(wait_for(HOLDS_CATS)).given(assigned(CATS, when=NOON - HOUR)).starts(assigned(when=NOON))
    assert story.taken == ["wait", "thanks"]


def test_a_wait_ends_when_an_event_makes_the_criterion_true() -> None:
    story = known(wait_for(HOLDS_CATS)).starts(assigned(when=NOON)).receives(engaged(when=NOON + HOUR))
    assert story.taken == []
    story.receives(assigned(CATS, when=NOON + 2 * HOUR))
    assert story.taken == ["wait", "thanks"]
    assert story.steps[0].saw is not None


def test_a_change_of_a_field_ends_a_wait() -> None:
    city = {"field": {"key": "city", "is": "Gent"}}
    story = known(wait_for(city)).starts(assigned(when=NOON))
    story.receives(changed(fields={"city": "Gent"}, when=NOON + HOUR))
    assert story.taken == ["wait", "thanks"]


def test_a_wait_ends_with_else_at_its_deadline() -> None:
    story = known(wait_for(HOLDS_CATS)).starts(assigned(when=NOON)).timer_fires()
    assert story.taken == ["wait", "late"]
    assert story.run is not None
    assert story.run.since == max(NOON + 3 * DAY, story.now)


def test_an_event_after_the_deadline_does_not_end_the_wait() -> None:
    story = known(wait_for(HOLDS_CATS)).starts(assigned(when=NOON)).receives(assigned(CATS, when=NOON + 4 * DAY))
    assert story.taken == []
    assert story.timer_fires().taken == ["wait", "late"]


def test_a_criterion_may_become_true_by_time_alone() -> None:
    quiet = {"clicks": {"exactly": 0, "within_days": 2}}
    story = known(wait_for(quiet)).given(clicked(when=NOON - HOUR)).starts(assigned(when=NOON))
    assert story.run is not None
    assert story.run.due_at == NOON + 12 * HOUR
    story.timer_fires()  # the first midnight: still clicked within two days
    assert story.taken == []
    assert story.run.due_at == NOON + 36 * HOUR
    story.timer_fires()
    assert story.taken == ["wait", "thanks"]


def test_a_wait_ends_by_an_event_or_by_its_criterion() -> None:
    both = wait_for(HOLDS_CATS, any=[{"on": "ContactEngaged", "kind": "form.submitted"}])
    by_event = known(both).starts(assigned(when=NOON)).receives(engaged(when=NOON + HOUR))
    by_criterion = known(both).starts(assigned(when=NOON)).receives(assigned(CATS, when=NOON + HOUR))
    assert by_event.taken == by_criterion.taken == ["wait", "thanks"]


def test_a_run_at_a_broken_condition_is_blocked_until_the_condition_is_mended() -> None:
    ask = {"id": "ask", "if": {"criterion": HOLDS_CATS, "then": [THANKS], "else": [LATE]}}
    story = known({"id": "wait", "wait": {"days": 1}}, ask).starts(assigned(when=NOON))
    story.broken = "label was deleted"
    story.timer_fires()
    assert story.state == "blocked"
    assert story.taken == ["wait"]
    assert story.run is not None
    assert (story.run.step_id, story.run.reason, story.run.due_at) == ("ask", "label was deleted", None)
    story.is_mended()
    assert story.state == "finished"
    assert story.taken == ["wait", "ask", "late"]


def test_a_wait_whose_criterion_breaks_keeps_its_deadline() -> None:
    story = known(wait_for(HOLDS_CATS)).starts(assigned(when=NOON))
    story.broken = "label was deleted"
    story.receives(engaged(when=NOON + HOUR))
    assert story.state == "blocked"
    story.is_mended()
    assert story.state == "running"
    assert story.run is not None
    assert story.run.due_at == NOON + 3 * DAY


def test_a_workflow_with_a_broken_condition_starts_no_run() -> None:
    story = known(THANKS, condition=HOLDS_CATS)
    story.broken = "label was deleted"
    assert story.starts(assigned(when=NOON)).state is None
