"""The run of one contact through one workflow, in the style given, when, then."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, Self
from uuid import UUID

from services.workflow.domain.conditions import for_run
from services.workflow.domain.environment import BrokenCondition, ConditionResult, MissingReference
from services.workflow.domain.facts import StoredFacts
from services.workflow.domain.identity import recorded_at
from services.workflow.domain.program import compile_program
from services.workflow.domain.progress import begin, fire, look_back, receive, resume
from services.workflow.domain.reading import read_definition
from services.workflow.domain.runs import Causation, ConsumedEvent, Effect, EffectKind, Run, StepTaken, Transition
from services.workflow.domain.steps import Window
from services.workflow.domain.windows import first_in_window, next_local_time
from shared.criteria import Criterion, evaluate, moves_with_the_day
from shared.events.envelope import ContactEvent
from tests.services.workflow.events import DOGS

WORKFLOW = UUID("01890000-0000-7000-8000-00000000000a")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def seen(event: ContactEvent, causation: UUID | None = None, correlation: str | None = None) -> ConsumedEvent:
    cause = Causation(str(event.event_id), correlation or str(event.event_id))
    return ConsumedEvent(event, recorded_at(event), cause, None if causation is None else str(causation))


class Story:
    """One contact, one workflow and the environment of its run."""

    def __init__(self, steps: list[dict[str, Any]], **definition: object) -> None:
        body = {"name": "W", "triggers": [{"on": "LabelAssigned", "label": str(DOGS)}], "steps": steps} | definition
        self.program = compile_program(WORKFLOW, 1, 1, read_definition(body))
        self.now = NOON
        self.facts = StoredFacts()
        self.deleted: set[UUID | str] = set()
        self.broken: str | None = None
        self.contents: dict[UUID, dict[str, str]] = {}
        self.consumed: list[ConsumedEvent] = []
        self.run: Run | None = None
        self.steps: list[StepTaken] = []
        self.effects: list[Effect] = []

    # The environment

    def evaluate(self, criterion: Criterion, contact: tuple[int, int], run: UUID | None) -> ConditionResult:
        if self.broken:
            raise BrokenCondition(self.broken)
        found = evaluate(criterion if run is None else for_run(criterion, run), self.facts, self.now.date())
        return ConditionResult(found.truth, found.tree)

    def require(self, kind: EffectKind, subject: UUID | str, run: Run) -> None:
        if subject in self.deleted:
            raise MissingReference(f"{kind} {subject} was deleted")

    def content(self, message: UUID, run: Run) -> tuple[int | None, dict[str, str] | None]:
        return 1, self.contents.get(message)

    def why_not_sent(self, run: Run) -> str | None:
        return self.facts.subscription if self.facts.subscription == "unsubscribed" else None

    def next_time(self, run: Run, at: time, after: datetime) -> datetime:
        return next_local_time(at, after, UTC)

    def next_in_window(self, run: Run, window: Window, after: datetime) -> datetime:
        return first_in_window(after, window.weekdays, window.begins, window.ends, UTC)

    def changes_at(self, criterion: Criterion, run: Run, after: datetime) -> datetime | None:
        if not moves_with_the_day(criterion):
            return None
        return datetime.combine(after.date() + timedelta(days=1), time(0), UTC)

    def earlier_events(self, run: Run) -> tuple[ConsumedEvent, ...]:
        return tuple(self.consumed)

    # Given

    def given(self, *events: ContactEvent) -> Self:
        """Add events that were consumed earlier in this unit of work, and apply them to the facts."""
        for event in events:
            self.facts.apply(event, UTC)
            self.consumed.append(seen(event))
        return self

    # When

    def starts(self, event: ContactEvent, causation: UUID | None = None, correlation: str | None = None) -> Self:
        self.facts.apply(event, UTC)
        self.now = max(self.now, event.occurred_at)
        self._apply(begin(self.program, seen(event, causation, correlation), self))
        return self

    def receives(self, event: ContactEvent) -> Self:
        assert self.run is not None
        self.facts.apply(event, UTC)
        self.now = max(self.now, event.occurred_at)
        self._apply(receive(self.run, self.program, seen(event), self))
        return self

    def looks_back(self, *events: ContactEvent) -> Self:
        assert self.run is not None
        self._apply(look_back(self.run, self.program, tuple(seen(event) for event in events), self))
        return self

    def timer_fires(self, late: timedelta = timedelta(0)) -> Self:
        assert self.run is not None
        assert self.run.due_at is not None
        self.now = max(self.now, self.run.due_at + late)
        self._apply(fire(self.run, self.program, self))
        return self

    def is_mended(self) -> Self:
        assert self.run is not None
        self.broken = None
        self._apply(resume(self.run, self.program, self))
        return self

    def _apply(self, transition: Transition | None) -> None:
        if transition is not None:
            self.run = transition.run
            self.steps += transition.steps
            self.effects += transition.effects

    # Then

    @property
    def taken(self) -> list[str]:
        """Return the ids of the steps taken, and check that each was taken once."""
        ids = [step.step_id for step in self.steps]
        assert len(ids) == len(set(ids)), "a step was taken twice"
        assert [step.number for step in self.steps] == list(range(1, len(ids) + 1))
        return ids

    @property
    def requested(self) -> list[tuple[str, UUID | str]]:
        return [(effect.kind, effect.subject) for effect in self.effects]

    @property
    def state(self) -> str | None:
        return None if self.run is None else self.run.state
