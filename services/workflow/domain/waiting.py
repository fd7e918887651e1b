"""Decides which events end a wait, and which end a run."""

from datetime import datetime, timedelta

from services.workflow.domain.ages import is_history
from services.workflow.domain.matching import matches
from services.workflow.domain.program import PlacedStep, Program
from services.workflow.domain.runs import ConsumedEvent, Run

CLOCK_TOLERANCE = timedelta(seconds=2)


def deadline_of(run: Run, place: PlacedStep) -> datetime:
    """Return the deadline of the wait at `place`."""
    assert place.step.wait_for is not None
    return run.since + place.step.wait_for.at_most.length()


def event_ends_run(run: Run, program: Program, seen: ConsumedEvent) -> bool:
    """Return whether a rule of `exit_on` matches the event."""
    return (
        seen.event.event_id not in run.taken
        and seen.recorded_at >= run.trigger_recorded_at
        and any(matches(trigger, seen.event, run.run_id) for trigger in program.exit_events)
    )


def event_ends_wait(
    run: Run, program: Program, place: PlacedStep, seen: ConsumedEvent, *, consumed_before: bool
) -> bool:
    """Return whether the event ends the wait at `place`; see `progress` for the rules."""
    wait_for = place.step.wait_for
    event = seen.event
    if wait_for is None or not wait_for.any or event.event_id in run.taken or is_history(event):
        return False
    if seen.recorded_at < run.since - CLOCK_TOLERANCE or event.occurred_at > deadline_of(run, place):
        return False
    if event.occurred_at < run.trigger_occurred_at - CLOCK_TOLERANCE:
        return False  # an old click that is reported now
    if not any(matches(trigger, event, run.run_id) for trigger in wait_for.any):
        return False
    return not (consumed_before and seen.recorded_at <= run.trigger_recorded_at and _led_to(run, program, seen))


def _led_to(run: Run, program: Program, seen: ConsumedEvent) -> bool:
    """Return whether an event belongs to the causes of the run, or starts runs of its workflow."""
    same_chain = seen.cause.correlation_id is not None and seen.cause.correlation_id == run.cause.correlation_id
    return same_chain or any(matches(trigger, seen.event) for trigger in program.definition.triggers)
