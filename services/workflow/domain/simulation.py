"""Simulates a definition for one contact now, or for all contacts in the last days, without effects."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

from services.workflow.domain.ages import may_trigger
from services.workflow.domain.environment import RunEnvironment
from services.workflow.domain.matching import TriggerIndex
from services.workflow.domain.program import Program
from services.workflow.domain.progress import begin, fire, receive
from services.workflow.domain.runs import ConsumedEvent, Run, StepTaken, Transition
from services.workflow.domain.starting import EntryHistory, may_start
from shared.events.envelope import ContactEvent, contract


@contract
class Trial(ContactEvent):
    """The simulated event that starts a run; it is never published."""

    name: ClassVar[str] = "Trial"
    topic: ClassVar[str] = ""


class MovableEnvironment(RunEnvironment, Protocol):
    """An environment whose clock the simulation moves."""

    def move(self, now: datetime) -> None:
        """Set the present time."""


def pass_through(
    program: Program, seen: ConsumedEvent, environment: MovableEnvironment
) -> tuple[Run, list[StepTaken], Transition] | None:
    """Simulate a run that `seen` starts, without further events; return None if the condition is not true."""
    first = transition = begin(program, seen, environment)
    if transition is None or first is None:
        return None
    steps = list(transition.steps)
    while transition.run.due_at is not None:
        environment.move(max(environment.now, transition.run.due_at))
        transition = fire(transition.run, program, environment)
        steps += transition.steps
    return transition.run, steps, first


@dataclass(slots=True)
class TrialOutcome:
    """The outcome of a simulation: `taken` counts steps by id, `branches` by id and branch, `states` the runs."""

    started: int = 0
    messages: int = 0
    contacts: set[int] = field(default_factory=set)
    states: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    branches: dict[str, dict[str, int]] = field(default_factory=dict)


class Replay:
    """Simulates past events in order, contact by contact; see `TrialOutcome`."""

    def __init__(self, program: Program, environment: MovableEnvironment) -> None:
        self.outcome = TrialOutcome()
        self._program = program
        self._environment = environment
        self._triggers = TriggerIndex((trigger, True) for trigger in program.definition.triggers)
        self._running: dict[int, list[Run]] = {}
        self._past: dict[int, EntryHistory] = {}

    def starts(self, seen: ConsumedEvent) -> bool:
        """Return whether a trigger matches the event."""
        return may_trigger(seen, self._program.definition.max_event_age.length()) and any(
            self._triggers.find(seen.event)
        )

    def concerns(self, seen: ConsumedEvent) -> bool:
        """Return whether the event starts a run, or concerns a contact that has one."""
        return seen.event.contact_id in self._running or self.starts(seen)

    def play(self, seen: ConsumedEvent) -> None:
        """Apply the next event."""
        contact = seen.event.contact_id
        self._pass_time(contact, seen.recorded_at)
        self._environment.move(seen.recorded_at)
        for run in list(self._running.get(contact, ())):
            transition = receive(run, self._program, seen, self._environment)
            if transition is not None:
                self._apply(transition)
        past = self._past.setdefault(contact, EntryHistory())
        if self.starts(seen) and may_start(self._program.definition.reentry, past):
            transition = begin(self._program, seen, self._environment)
            if transition is not None:
                past.started += 1
                past.running += 1
                self.outcome.started += 1
                self.outcome.contacts.add(contact)
                self._apply(transition)

    def contacts(self) -> list[int]:
        """Return the contacts that have had a run."""
        return list(self._running)

    def finish(self, now: datetime) -> TrialOutcome:
        """Let time pass for every contact until now, and return the outcome."""
        for contact in self.contacts():
            self.finish_contact(contact, now)
        return self.outcome

    def finish_contact(self, contact: int, now: datetime) -> None:
        """Let time pass for a contact until now; runs that have not ended count as running."""
        self._pass_time(contact, now)
        for run in self._running[contact]:
            self._count(self.outcome.states, run.state)

    def _pass_time(self, contact: int, until: datetime) -> None:
        while due := [run for run in self._running.get(contact, ()) if run.due_at is not None and run.due_at < until]:
            run = min(due, key=lambda candidate: candidate.due_at or until)
            assert run.due_at is not None
            self._environment.move(run.due_at)
            self._apply(fire(run, self._program, self._environment))

    def _apply(self, transition: Transition) -> None:
        run = transition.run
        others = [other for other in self._running.get(run.contact_id, ()) if other.run_id != run.run_id]
        self._running[run.contact_id] = others
        if run.is_open:
            others.append(run)
        else:
            self._past[run.contact_id].running -= 1
            self._count(self.outcome.states, run.state)
        for step in transition.steps:
            self._count(self.outcome.taken, step.step_id)
            if "branch" in step.result:
                self._count(self.outcome.branches.setdefault(step.step_id, {}), step.result["branch"])
        self.outcome.messages += sum(effect.kind == "send" for effect in transition.effects)

    @staticmethod
    def _count(counts: dict[str, int], name: str) -> None:
        counts[name] = counts.get(name, 0) + 1
