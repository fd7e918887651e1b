"""Moves runs: by the event that starts them, by events that they wait for, and by time.

A run has its own clock, `since`: when the step at which it waits began. It starts at the time at which the triggering
event was recorded. The end of a wait sets it to that end. A requested message sets it to now, so that a contact has the
full time until a deadline to answer, however late the message was requested. Deadlines count from `since`. So a run
depends on when events happened, not on when they were processed: after an outage it takes the same path as without the
outage.

An event ends a wait if it was recorded since the wait began and happened by its deadline. Topics are read concurrently,
and the clocks of the services differ a little, so an event that was recorded up to `CLOCK_TOLERANCE` earlier also
counts, even if it was consumed before the wait began. Events that the run has already used do not count: the event that
started the run, the event that caused that one, and events that start runs of this workflow. History ends no wait.

A wait for a criterion ends when an event or the passing of time makes it true: the run is due at the next moment at
which the criterion may change with time, and at the deadline. A run that reaches a broken condition is `blocked` until
`resume` finds that it can continue.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from services.workflow.domain.environment import BrokenCondition, RunEnvironment
from services.workflow.domain.identity import run_id
from services.workflow.domain.program import PlacedStep, Program
from services.workflow.domain.runs import ConsumedEvent, Run, State, Transition
from services.workflow.domain.waiting import deadline_of, event_ends_run, event_ends_wait
from services.workflow.domain.walk import Walk


def begin(program: Program, seen: ConsumedEvent, environment: RunEnvironment, depth: int = 0) -> Transition | None:
    """Start a run and advance it as far as possible.

    Returns None if the workflow's condition is not true, or is broken.
    """
    event = seen.event
    saw: dict[str, Any] | None = None
    if program.condition is not None:
        try:
            result = environment.evaluate(program.condition, (event.account_id, event.contact_id), None)
        except BrokenCondition:
            return None
        if not result.truth:
            return None
        saw = result.explain()
    run = initial_run(program, seen, environment.now, depth)
    return Walk(run, program, environment, saw).continue_from(program.first)


def initial_run(program: Program, seen: ConsumedEvent, now: datetime, depth: int) -> Run:
    """Return the run that an event starts, before its first step."""
    event, causation = seen.event, seen.causation_id
    return Run(
        run_id=run_id(program.workflow_id, event.account_id, event.contact_id, event.event_id),
        workflow_id=program.workflow_id,
        version=program.version,
        account_id=event.account_id,
        contact_id=event.contact_id,
        state="running",
        step_id=None,
        since=seen.recorded_at,
        due_at=None,
        steps_taken=0,
        taken=(event.event_id,) if causation is None else (event.event_id, causation),
        trigger_type=event.name,
        trigger_event=event.event_id,
        trigger_occurred_at=event.occurred_at,
        trigger_recorded_at=seen.recorded_at,
        depth=depth,
        started_at=now,
        cause=seen.cause,
    )


def receive(run: Run, program: Program, seen: ConsumedEvent, environment: RunEnvironment) -> Transition | None:
    """Return the transition that an event causes for a waiting run; None if there is none."""
    if event_ends_run(run, program, seen):
        reason = f"exit_on: {seen.event.name} {seen.event.event_id}"
        return Transition(end(replace(run, cause=seen.cause), "exited", environment.now, reason))
    place = program.places[run.step_id or ""]
    if run.state == "blocked" or place.kind != "wait_for":
        return None
    if event_ends_wait(run, program, place, seen, consumed_before=False):
        return Walk(run, program, environment).end_wait(place, seen)
    if place.criterion is None or seen.recorded_at > deadline_of(run, place):
        return None
    return _check_criterion(replace(run, cause=seen.cause), program, place, environment, seen.recorded_at)


def look_back(
    run: Run, program: Program, earlier: tuple[ConsumedEvent, ...], environment: RunEnvironment
) -> Transition | None:
    """Return the transition that one of the `earlier` events causes; None if there is none.

    `earlier` are events that were consumed before the present wait began, in order.
    """
    place = program.places[run.step_id or ""]
    if run.state == "blocked" or place.kind != "wait_for":
        return None
    for seen in earlier:
        if event_ends_wait(run, program, place, seen, consumed_before=True):
            return Walk(run, program, environment).end_wait(place, seen)
    return None


def fire(run: Run, program: Program, environment: RunEnvironment) -> Transition:
    """Return the transition of a run that is due."""
    place = program.places[run.step_id or ""]
    assert run.due_at is not None
    walk = Walk(run, program, environment)
    if place.kind == "wait":
        walk.record(place, {"waited_until": run.due_at.isoformat()})
        walk.since = run.due_at
        return walk.continue_from(place.following)
    deadline = deadline_of(run, place)
    if run.due_at < deadline:
        transition = _check_criterion(run, program, place, environment, run.due_at)
        return transition or walk.wait(place)
    walk.record(place, {"came": None, "deadline": deadline.isoformat(), "branch": "else"})
    walk.since = deadline
    return walk.continue_from(place.otherwise)


def resume(run: Run, program: Program, environment: RunEnvironment) -> Transition:
    """Retry the step of a blocked or failed run."""
    resumed = replace(run, state="running", ended_at=None, reason=None)
    return Walk(resumed, program, environment).continue_from(run.step_id)


def end(run: Run, state: State, now: datetime, reason: str | None = None) -> Run:
    """Return the ended run."""
    return replace(run, state=state, due_at=None, ended_at=now, reason=reason)


def waits_for_events(run: Run, program: Program) -> bool:
    """Return whether the run is at a wait that an event may end."""
    place = program.places.get(run.step_id or "")
    return run.state == "running" and place is not None and place.kind == "wait_for" and bool(_events(place))


def _events(place: PlacedStep) -> tuple[object, ...]:
    return () if place.step.wait_for is None else place.step.wait_for.any


def _check_criterion(
    run: Run, program: Program, place: PlacedStep, environment: RunEnvironment, at: datetime
) -> Transition | None:
    walk = Walk(run, program, environment)
    try:
        is_true = walk.is_true_now(place, at)
    except BrokenCondition as broken:
        return walk.block(place, str(broken))
    return walk.continue_from(place.then) if is_true else None
