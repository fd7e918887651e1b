"""Which events are too old to start a run."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.workflow.domain.ages import may_trigger
from services.workflow.domain.reading import read_definition, write_definition
from shared.events.envelope import ContactEvent
from tests.services.workflow.domain.story import NOON, seen
from tests.services.workflow.events import DOGS, GUIDE, assigned, at, clicked, engaged, entered

DAY = timedelta(days=1)
LONG_AGO = NOON - 730 * DAY


@pytest.mark.parametrize(
    "event",
    [
        replace(clicked(when=LONG_AGO), event_id=at(NOON)),
        replace(assigned(when=LONG_AGO), event_id=at(NOON)),
        replace(engaged(when=LONG_AGO), event_id=at(NOON)),
        replace(entered(when=NOON), caused_at=LONG_AGO),
        replace(clicked(when=NOON), history=True),
        replace(assigned(when=NOON), history=True),
        replace(engaged(when=NOON), history=True),
        replace(entered(when=NOON), history=True),
    ],
)
def test_old_and_historical_events_start_no_run(event: ContactEvent) -> None:
    assert not may_trigger(seen(event), DAY)


@pytest.mark.parametrize(
    "event",
    [
        clicked(when=NOON),
        replace(clicked(when=NOON), event_id=at(NOON + DAY)),
        replace(entered(when=NOON), caused_at=NOON - DAY),
        replace(clicked(when=NOON), history=False),
    ],
)
def test_recent_events_may_start_a_run(event: ContactEvent) -> None:
    assert may_trigger(seen(event), DAY)


def test_the_maximum_age_of_events_is_a_day_by_default() -> None:
    body = {
        "name": "W",
        "triggers": [{"on": "LabelAssigned", "label": str(DOGS)}],
        "steps": [{"send": {"message": str(GUIDE)}}],
    }
    assert write_definition(read_definition(body))["max_event_age"] == {"days": 1}
    week = read_definition({**body, "max_event_age": {"days": 7}})
    assert read_definition(write_definition(week)).max_event_age.length() == 7 * DAY
