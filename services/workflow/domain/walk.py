"""Advances a run through its steps until it waits or ends."""

from dataclasses import replace
from datetime import datetime, time
from typing import Any
from uuid import UUID

from services.workflow.domain.environment import BrokenCondition, MissingReference, RunEnvironment
from services.workflow.domain.identity import idempotency_key
from services.workflow.domain.program import PlacedStep, Program
from services.workflow.domain.runs import ConsumedEvent, Effect, EffectKind, Run, State, StepTaken, Transition
from services.workflow.domain.splitting import takes_then
from services.workflow.domain.waiting import event_ends_wait
from shared.events.labeling import Scalar


class Walk:
    """Computes one transition of a run; call exactly one of the methods that return a transition, once."""

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

    def end_wait(self, place: PlacedStep, seen: ConsumedEvent) -> Transition:
        """End a wait by the event that it waited for."""
        self.cause = seen.cause
        self.taken = (*self.taken, seen.event.event_id)
        self.since = max(self.since, seen.recorded_at)
        came = {
            "type": seen.event.name,
            "event_id": str(seen.event.event_id),
            "occurred_at": seen.event.occurred_at.isoformat(),
        }
        self.record(place, {"came": came, "branch": "then"})
        return self.continue_from(place.then)

    def continue_from(self, step_id: str | None) -> Transition:
        """Continue from a step until a wait or the end."""
        while step_id is not None:
            place = self.program.places[step_id]
            try:
                if self.must_exit(place):
                    return self.stop("exited", "exit_on: a criterion no longer holds")
                if place.kind == "wait_for" and self.is_true_now(place, self.since):
                    step_id = place.then
                    continue
                if place.kind in ("wait", "wait_for"):
                    return self.wait(place)
                if place.kind == "exit":
                    self.record(place, {"exited": True})
                    return self.stop("exited", None)
                step_id = self.take_step(place)
            except BrokenCondition as broken:
                return self.block(place, str(broken))
            except MissingReference as missing:
                self.record(place, {"failed": str(missing)})
                return self.stop("failed", str(missing), place.id)
        return self.stop("finished", None)

    def must_exit(self, place: PlacedStep) -> bool:
        """Return whether a criterion of `exit_on` is no longer true."""
        for criterion in self.program.exit_criteria:
            result = self.environment.evaluate(criterion, self.run.contact, self.run.run_id)
            if not result.truth:
                self.record(place, {"exited": True}, result.explain(), kind="exit_on")
                return True
        return False

    def is_true_now(self, place: PlacedStep, at: datetime) -> bool:
        """Return whether the criterion of a wait is true, which ends the wait at `at`. Raises BrokenCondition."""
        if place.criterion is None:
            return False
        result = self.environment.evaluate(place.criterion, self.run.contact, self.run.run_id)
        if result.truth:
            self.record(place, {"came": "criterion", "branch": "then"}, result.explain())
            self.since = max(self.since, at)
        return result.truth

    def wait(self, place: PlacedStep) -> Transition:
        """Begin or continue a wait; an event that was consumed just before may end it at once."""
        transition = self.transition(state="running", step_id=place.id, due_at=self.due(place), reason=None)
        moved = transition.run
        if place.kind == "wait":
            return transition
        for seen in self.environment.earlier_events(self.run):
            if event_ends_wait(moved, self.program, place, seen, consumed_before=True):
                ended = Walk(moved, self.program, self.environment).end_wait(place, seen)
                return Transition(
                    ended.run, transition.steps + ended.steps, transition.effects + ended.effects, self.saw
                )
        return transition

    def due(self, place: PlacedStep) -> datetime:
        """Return when the run is due next. Raises BrokenCondition."""
        if place.step.wait_for is not None:
            deadline = self.since + place.step.wait_for.at_most.length()
            if place.criterion is None:
                return deadline
            change = self.environment.changes_at(place.criterion, self.run, self.environment.now)
            return deadline if change is None else min(deadline, change)
        wait = place.step.wait
        assert wait is not None
        if isinstance(wait.until, time):
            end = self.environment.next_time(self.run, wait.until, self.since)
        else:
            end = wait.until or self.since + wait.length()
        return end if wait.within is None else self.environment.next_in_window(self.run, wait.within, end)

    def take_step(self, place: PlacedStep) -> str | None:
        """Take a step without a wait; return the id of the next one."""
        step = place.step
        if step.if_ is not None:
            assert place.criterion is not None
            result = self.environment.evaluate(place.criterion, self.run.contact, self.run.run_id)
            return self.branch(place, result.truth, result.explain())
        if step.split is not None:
            then = takes_then(step.split.percent, self.run.workflow_id, place.id, self.run.contact_id)
            return self.branch(place, then)
        if step.send is not None:
            self.send(place, step.send.message)
        elif step.assign_label is not None:
            self.request(place, "assign_label", step.assign_label.label, {"label_id": str(step.assign_label.label)})
        elif step.remove_label is not None:
            self.request(place, "remove_label", step.remove_label.label, {"label_id": str(step.remove_label.label)})
        elif step.set_field is not None:
            written = {"key": step.set_field.key, "value": step.set_field.value}
            self.request(place, "set_field", step.set_field.key, written, step.set_field.value)
        return place.following

    def branch(self, place: PlacedStep, then: bool, saw: dict[str, Any] | None = None) -> str | None:
        """Record the branch that the run takes; return the id of the next step."""
        self.record(place, {"branch": "then" if then else "else"}, saw)
        return place.then if then else place.otherwise

    def send(self, place: PlacedStep, message: UUID) -> None:
        """Request a message, or record why it is not sent."""
        why_not = self.environment.why_not_sent(self.run)
        if why_not is not None:
            self.environment.require("send", message, self.run)
            self.record(place, {"not_sent": why_not})
            return
        key = idempotency_key(self.run.run_id, place.id)
        revision, content = self.environment.content(message, self.run)
        result: dict[str, Any] = {"message_id": str(message), "idempotency_key": key}
        if content is not None:
            result["content"] = content
        self.request(place, "send", message, result)
        self.effects[-1] = replace(self.effects[-1], revision=revision, content=content)
        self.since = max(self.since, self.environment.now)

    def request(
        self,
        place: PlacedStep,
        kind: EffectKind,
        subject: UUID | str,
        result: dict[str, Any],
        value: Scalar | None = None,
    ) -> None:
        """Add an effect on another service. Raises MissingReference."""
        self.environment.require(kind, subject, self.run)
        self.record(place, result)
        self.effects.append(Effect(kind, place.id, self.steps[-1].number, subject, value, self.cause))

    def record(
        self, place: PlacedStep, result: dict[str, Any], saw: dict[str, Any] | None = None, kind: str | None = None
    ) -> None:
        """Record that the run took a step."""
        number = self.run.steps_taken + len(self.steps) + 1
        now = self.environment.now
        self.steps.append(StepTaken(number, place.id, kind or place.kind, now, saw, result, self.cause))

    def block(self, place: PlacedStep, reason: str) -> Transition:
        """Block the run at a step until the broken condition is mended."""
        return self.transition(state="blocked", step_id=place.id, due_at=None, reason=reason)

    def stop(self, state: State, reason: str | None, step_id: str | None = None) -> Transition:
        """End the run; `step_id` is the step at which it failed."""
        return self.transition(state=state, step_id=step_id, due_at=None, ended_at=self.environment.now, reason=reason)

    def transition(self, **changes: Any) -> Transition:
        """Return the run with its steps and effects so far."""
        moved = replace(
            self.run,
            since=self.since,
            taken=self.taken,
            cause=self.cause,
            steps_taken=self.run.steps_taken + len(self.steps),
            **changes,
        )
        return Transition(moved, tuple(self.steps), tuple(self.effects), self.saw)
