"""How a run moves: by the event that starts it, by those that it waits for, by the time that has come.

A run has a clock of its own, `since`: when the step at which it waits began. It starts at the time at which the
triggering event was recorded; a wait that is over sets it to its end; a message that is asked for sets it to now, so
that a contact has the whole of a deadline to answer, however late the message was asked for. Deadlines count from
`since`. Thus what a run does depends on when things happened, not on when they were looked at: after an outage it
goes the way that it would have gone without.

An event ends a wait if it was recorded since the wait began and happened by its deadline. Topics are read side by side,
and the clocks of the services differ a little, so an event that was recorded up to `CLOCK_TOLERANCE` earlier counts as
well, even if it was consumed before the wait began. Events that the run has used already do not count, nor does what
led to it: the event that started the run, the one that this follows from, or one that starts runs of this workflow.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from services.workflow.domain.identity import idempotency_key, run_id
from services.workflow.domain.matching import matches
from services.workflow.domain.program import Place, Program
from services.workflow.domain.runs import (
    Causation,
    ConsumedEvent,
    Effect,
    EffectKind,
    Run,
    State,
    StepTaken,
    Transition,
)
from shared.criteria import Criterion
from shared.events.labeling import Scalar

CLOCK_TOLERANCE = timedelta(seconds=2)


class ConditionResult(NamedTuple):
    """Whether a criterion is true of a contact, and, when asked, what it saw."""

    truth: bool
    explain: Callable[[], dict[str, Any]]


class MissingReference(Exception):
    """What a step needs is not there any more: a label, message, field or segment that was deleted."""


class RunEnvironment(Protocol):
    """What a run needs to know of everything else."""

    @property
    def now(self) -> datetime:
        """The time of this unit of work."""

    def judge(self, criterion: Criterion, contact: tuple[int, int], run: UUID | None) -> ConditionResult:
        """Evaluate a criterion for a contact, within a run. Raises MissingReference if it names what was deleted."""

    def need(self, kind: EffectKind, subject: UUID | str, run: Run) -> None:
        """Raises MissingReference if the message, label or field of a step was deleted."""

    def why_not_sent(self, run: Run) -> str | None:
        """Why nothing may be sent to the contact; None if it may."""

    def next_time(self, run: Run, at: time, after: datetime) -> datetime:
        """The first moment after `after` at which it is `at` in the account's time zone."""

    def earlier(self, run: Run) -> tuple[ConsumedEvent, ...]:
        """Events of the run's contact that were consumed in this unit before, in order."""


def begin(program: Program, seen: ConsumedEvent, environment: RunEnvironment, depth: int = 0) -> Transition | None:
    """Starts a run and takes it as far as it goes at once; None if the workflow's condition is not true."""
    event = seen.event
    saw: dict[str, Any] | None = None
    gone: str | None = None
    if program.condition is not None:
        try:
            judgement = environment.judge(program.condition, (event.account_id, event.contact_id), None)
        except MissingReference as error:
            gone = str(error)
        else:
            if not judgement.truth:
                return None
            saw = judgement.explain()
    run = _begun(program, seen, environment.now, depth)
    if gone is not None:
        return Transition(end(run, "failed", environment.now, gone))
    return _Walk(run, program, environment, saw).to(program.first)


def _begun(program: Program, seen: ConsumedEvent, now: datetime, depth: int) -> Run:
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
    """What an event does to a run that waits; None if nothing."""
    if _ends(run, program, seen):
        reason = f"exit_on: {seen.event.name} {seen.event.event_id}"
        return Transition(end(replace(run, cause=seen.cause), "exited", environment.now, reason))
    place = program.places[run.step_id or ""]
    if place.kind != "wait_for" or not _counts(run, program, place, seen, consumed_before=False):
        return None
    return _Walk(run, program, environment).take(place, seen)


def look_back(
    run: Run, program: Program, earlier: tuple[ConsumedEvent, ...], environment: RunEnvironment
) -> Transition | None:
    """What events that were consumed before the present wait began, in order, do to it; None if nothing."""
    place = program.places[run.step_id or ""]
    for seen in earlier:
        if place.kind == "wait_for" and _counts(run, program, place, seen, consumed_before=True):
            return _Walk(run, program, environment).take(place, seen)
    return None


def fire(run: Run, program: Program, environment: RunEnvironment) -> Transition:
    """The time that a run waited for has come."""
    place = program.places[run.step_id or ""]
    assert run.due_at is not None
    walk = _Walk(run, program, environment)
    if place.kind == "wait":
        walk.record(place, {"waited_until": run.due_at.isoformat()})
        walk.since = run.due_at
        return walk.to(place.following)
    walk.record(place, {"came": None, "deadline": run.due_at.isoformat(), "branch": "else"})
    walk.since = run.due_at
    return walk.to(place.otherwise)


def end(run: Run, state: State, now: datetime, reason: str | None = None) -> Run:
    """The run, over."""
    return replace(run, state=state, due_at=None, ended_at=now, reason=reason)


def waits_for_events(run: Run, program: Program) -> bool:
    """Whether the run stands at a wait that an event may end."""
    return run.state == "running" and program.places[run.step_id or ""].kind == "wait_for"


def _ends(run: Run, program: Program, seen: ConsumedEvent) -> bool:
    return (
        seen.event.event_id not in run.taken
        and seen.recorded_at >= run.trigger_recorded_at
        and any(matches(trigger, seen.event, run.run_id) for trigger in program.exit_events)
    )


def _counts(run: Run, program: Program, place: Place, seen: ConsumedEvent, *, consumed_before: bool) -> bool:
    wait_for = place.step.wait_for
    event = seen.event
    if wait_for is None or run.due_at is None or event.event_id in run.taken:
        return False
    if seen.recorded_at < run.since - CLOCK_TOLERANCE or event.occurred_at > run.due_at:
        return False
    if event.occurred_at < run.trigger_occurred_at - CLOCK_TOLERANCE:
        return False  # an old click, reported now
    if not any(matches(trigger, event, run.run_id) for trigger in wait_for.any):
        return False
    return not (consumed_before and seen.recorded_at <= run.trigger_recorded_at and _led_to(run, program, seen))


def _led_to(run: Run, program: Program, seen: ConsumedEvent) -> bool:
    same_chain = seen.cause.correlation_id is not None and seen.cause.correlation_id == run.cause.correlation_id
    return same_chain or any(matches(trigger, seen.event) for trigger in program.definition.triggers)


class _Walk:
    """A run on its way through steps that need no waiting."""

    def __init__(
        self, run: Run, program: Program, environment: RunEnvironment, saw: dict[str, Any] | None = None
    ) -> None:
        self.run = run
        self.saw = saw
        self.program = program
        self.environment = environment
        self.since = run.since
        self.taken = run.taken
        self.cause = run.cause
        self.steps: list[StepTaken] = []
        self.effects: list[Effect] = []

    def take(self, place: Place, seen: ConsumedEvent) -> Transition:
        """The event that a wait waited for has come."""
        self.cause = seen.cause
        self.taken = (*self.taken, seen.event.event_id)
        self.since = max(self.since, seen.recorded_at)
        came = {
            "type": seen.event.name,
            "event_id": str(seen.event.event_id),
            "occurred_at": seen.event.occurred_at.isoformat(),
        }
        self.record(place, {"came": came, "branch": "then"})
        return self.to(place.then)

    def to(self, step_id: str | None) -> Transition:
        """Goes on at a step, and on, until a wait or the end."""
        while step_id is not None:
            place = self.program.places[step_id]
            try:
                if self.leaves(place):
                    return self.stop("exited", "exit_on: a criterion no longer holds")
                if place.kind in ("wait", "wait_for"):
                    return self.wait(place)
                if place.kind == "exit":
                    self.record(place, {"exited": True})
                    return self.stop("exited", None)
                step_id = self.do(place)
            except MissingReference as gone:
                self.record(place, {"failed": str(gone)})
                return self.stop("failed", str(gone))
        return self.stop("finished", None)

    def leaves(self, place: Place) -> bool:
        for criterion in self.program.exit_criteria:
            judgement = self.environment.judge(criterion, self.run.contact, self.run.run_id)
            if not judgement.truth:
                self.record(place, {"exited": True}, judgement.explain(), kind="exit_on")
                return True
        return False

    def wait(self, place: Place) -> Transition:
        transition = self.transition(step_id=place.id, due_at=self.due(place))
        moved = transition.run
        if place.kind == "wait":
            return transition
        further = look_back(moved, self.program, self.environment.earlier(self.run), self.environment)
        if further is None:
            return transition
        return Transition(further.run, transition.steps + further.steps, transition.effects + further.effects, self.saw)

    def due(self, place: Place) -> datetime:
        if place.step.wait_for is not None:
            return self.since + place.step.wait_for.at_most.length()
        assert place.step.wait is not None
        until = place.step.wait.until
        if until is None:
            return self.since + place.step.wait.length()
        return self.environment.next_time(self.run, until, self.since) if isinstance(until, time) else until

    def do(self, place: Place) -> str | None:
        """Takes a step that is done at once; answers the id of the next one."""
        step = place.step
        if place.criterion is not None:
            judgement = self.environment.judge(place.criterion, self.run.contact, self.run.run_id)
            self.record(place, {"branch": "then" if judgement.truth else "else"}, judgement.explain())
            return place.then if judgement.truth else place.otherwise
        if step.send is not None:
            self.send(place, step.send.message)
        elif step.assign_label is not None:
            self.ask(place, "assign_label", step.assign_label.label, {"label_id": str(step.assign_label.label)})
        elif step.remove_label is not None:
            self.ask(place, "remove_label", step.remove_label.label, {"label_id": str(step.remove_label.label)})
        elif step.set_field is not None:
            asked = {"key": step.set_field.key, "value": step.set_field.value}
            self.ask(place, "set_field", step.set_field.key, asked, step.set_field.value)
        return place.following

    def send(self, place: Place, message: UUID) -> None:
        why_not = self.environment.why_not_sent(self.run)
        if why_not is not None:
            self.environment.need("send", message, self.run)
            self.record(place, {"not_sent": why_not})
            return
        key = idempotency_key(self.run.run_id, place.id)
        self.ask(place, "send", message, {"message_id": str(message), "idempotency_key": key})
        self.since = max(self.since, self.environment.now)

    def ask(
        self,
        place: Place,
        kind: EffectKind,
        subject: UUID | str,
        result: dict[str, Any],
        value: Scalar | None = None,
    ) -> None:
        self.environment.need(kind, subject, self.run)
        self.record(place, result)
        self.effects.append(Effect(kind, place.id, self.steps[-1].number, subject, value, self.cause))

    def record(
        self, place: Place, result: dict[str, Any], saw: dict[str, Any] | None = None, kind: str | None = None
    ) -> None:
        number = self.run.steps_taken + len(self.steps) + 1
        self.steps.append(
            StepTaken(number, place.id, kind or place.kind, self.environment.now, saw, result, self.cause)
        )

    def stop(self, state: State, reason: str | None) -> Transition:
        return self.transition(state=state, step_id=None, due_at=None, ended_at=self.environment.now, reason=reason)

    def transition(self, **changes: Any) -> Transition:
        moved = replace(
            self.run,
            since=self.since,
            taken=self.taken,
            cause=self.cause,
            steps_taken=self.run.steps_taken + len(self.steps),
            **changes,
        )
        return Transition(moved, tuple(self.steps), tuple(self.effects), self.saw)


__all__ = [
    "Causation",
    "ConditionResult",
    "MissingReference",
    "RunEnvironment",
    "begin",
    "end",
    "fire",
    "look_back",
    "receive",
    "waits_for_events",
]
