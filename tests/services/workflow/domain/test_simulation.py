"""A definition that is simulated on past events takes the steps that it would have taken."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.workflow.domain.simulation import Replay
from shared.events.envelope import ContactEvent
from tests.services.workflow.domain.story import NOON, Story, seen
from tests.services.workflow.events import CATS, GUIDE, assigned, engaged

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STEPS = [
    {"id": "guide", "send": {"message": str(GUIDE)}},
    {
        "id": "answer",
        "wait_for": {
            "any": [{"on": "ContactEngaged", "kind": "form.submitted"}],
            "at_most": {"days": 1},
            "then": [{"id": "cats", "assign_label": {"label": str(CATS)}}],
            "else": [{"id": "again", "send": {"message": str(GUIDE)}}],
        },
    },
]


class MovableStory(Story):
    def move(self, now: datetime) -> None:
        self.now = now


def replay(*events: ContactEvent, reentry: str = "once") -> Replay:
    story = MovableStory(STEPS, reentry=reentry)
    played = Replay(story.program, story)
    for event in events:
        if played.concerns(seen(event)):
            played.play(seen(event))
    return played


def test_a_replay_takes_the_branches_that_past_events_decide() -> None:
    outcome = replay(
        assigned(contact=1, when=NOON),
        assigned(contact=2, when=NOON),
        assigned(contact=3, when=NOON + 40 * HOUR),
        engaged(contact=1, when=NOON + HOUR),
        engaged(contact=2, when=NOON + 30 * HOUR),
        engaged(contact=4, when=NOON + HOUR),
    ).finish(NOON + 2 * DAY)
    assert (outcome.started, outcome.messages, len(outcome.contacts)) == (3, 4, 3)
    assert outcome.branches == {"answer": {"then": 1, "else": 1}}
    assert outcome.states == {"finished": 2, "running": 1}
    assert outcome.taken == {"guide": 3, "answer": 2, "cats": 1, "again": 1}


def test_a_replay_applies_the_reentry_rule() -> None:
    events = [assigned(when=NOON + hour * HOUR) for hour in range(0, 100, 20)]
    assert replay(*events).finish(NOON + 9 * DAY).started == 1
    assert replay(*events, reentry="every_time").finish(NOON + 9 * DAY).started == 5
    assert replay(*events, reentry="not_while_running").finish(NOON + 9 * DAY).started == 3


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 3), st.booleans()), max_size=40))
def test_the_counts_of_a_replay_are_consistent(happened: list[tuple[int, int, bool]]) -> None:
    events = [
        (assigned if label else engaged)(contact=contact, when=NOON + hour * HOUR)
        for hour, contact, label in sorted(happened)
    ]
    outcome = replay(*events, reentry="every_time").finish(NOON + 30 * DAY)
    labels = sum(label for _, _, label in happened)
    assert outcome.started == sum(outcome.states.values()) == labels
    assert outcome.messages == outcome.taken.get("guide", 0) + outcome.taken.get("again", 0)
    assert sum(outcome.branches.get("answer", {}).values()) == outcome.states.get("finished", 0)
