"""The changes of runs in a unit of work: collected while they move, written at its end with set-based statements."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from services.workflow.domain.runs import OPEN_STATES, PASSED, Outcome, Run, State, StepTaken, Transition
from services.workflow.store import counts, runs
from services.workflow.store.counts import StepCounts
from services.workflow.store.runs import FollowingEvent, NewRun
from services.workflow.use_cases.metrics import RUNS_ENDED, RUNS_STARTED, STEPS_TAKEN
from services.workflow.use_cases.requesting import event_of
from shared.store.unit_of_work import UnitOfWork


class RunChanges:
    """New runs, moved runs, the steps that they took, and the events that they issued."""

    def __init__(self, work: UnitOfWork, now: datetime) -> None:
        self._work = work
        self._now = now
        self._before: dict[UUID, tuple[State, str | None]] = {}
        self._new: dict[UUID, NewRun] = {}
        self._moved: dict[UUID, Run] = {}
        self._steps: list[tuple[Run, StepTaken]] = []
        self._followed: list[FollowingEvent] = []
        self._clicks: set[tuple[UUID, UUID]] = set()

    def loaded(self, run: Run) -> None:
        """Remember the state of a run when it was read; the counts change by the difference."""
        self._before.setdefault(run.run_id, (run.state, run.step_id))

    def has_moved(self, run_id: UUID) -> bool:
        """Return whether this unit has started or moved the run."""
        return run_id in self._new or run_id in self._moved

    def add_new(self, new: NewRun) -> None:
        """Add a new run."""
        self._new[new.run.run_id] = new

    def apply(self, transition: Transition) -> None:
        """Add the transition of a run; its events are appended to the unit of work."""
        run = transition.run
        if run.run_id in self._new:
            self._new[run.run_id] = self._new[run.run_id]._replace(run=run)
        else:
            self._moved[run.run_id] = run
        for effect in transition.effects:
            event = event_of(effect, run, self._now)
            self._work.append(event, cause=effect.cause)
            cause = effect.cause.event_id
            self.follow(FollowingEvent(event.event_id, run.run_id, effect.step_id, event.name, cause, self._now, True))
        self._steps += [(run, step) for step in transition.steps]

    def follow(self, event: FollowingEvent) -> None:
        """Add an event that a run caused."""
        self._followed.append(event)

    def click(self, run_id: UUID, message_id: UUID) -> None:
        """Add a human click in a message of a run."""
        self._clicks.add((run_id, message_id))

    async def save(self) -> None:
        """Write all changes."""
        connection = self._work.connection
        await runs.insert(connection, list(self._new.values()), self._work.number_of)
        await runs.update(connection, list(self._moved.values()))
        await runs.insert_steps(connection, self._steps)
        await runs.insert_effects(connection, self._followed)
        await counts.add_states(connection, self._state_changes())
        await counts.add_steps(connection, await self._step_changes())
        self._work.after_commit(self._count_metrics)

    def _changed_runs(self) -> Iterable[Run]:
        yield from (new.run for new in self._new.values())
        yield from self._moved.values()

    def _number_of(self, run: Run) -> int:
        return self._work.number_of(*run.contact)

    def _state_changes(self) -> dict[tuple[int, UUID, str], int]:
        changes: Counter[tuple[int, UUID, str]] = Counter()
        for run in self._changed_runs():
            number = self._number_of(run)
            changes[number, run.workflow_id, run.state] += 1
            if run.run_id in self._before:
                changes[number, run.workflow_id, self._before[run.run_id][0]] -= 1
        return changes

    async def _step_changes(self) -> dict[tuple[int, UUID, str], StepCounts]:
        changes: dict[tuple[int, UUID, str], StepCounts] = {}

        def counts_of(number: int, workflow_id: UUID, step_id: str) -> StepCounts:
            return changes.setdefault((number, workflow_id, step_id), StepCounts())

        for run in self._changed_runs():
            number = self._number_of(run)
            state, step_id = self._before.get(run.run_id, (None, None))
            if state in OPEN_STATES and step_id is not None:
                counts_of(number, run.workflow_id, step_id).waiting -= 1
            if run.is_open and run.step_id is not None:
                counts_of(number, run.workflow_id, run.step_id).waiting += 1
        for run, step in self._steps:
            _add_outcome(counts_of(self._number_of(run), run.workflow_id, step.step_id), step.outcome)
        if self._clicks:
            for clicked in await counts.first_clicks(self._work.connection, self._clicks, self._now):
                counts_of(*clicked).clicked += 1
        return changes

    def _count_metrics(self) -> None:
        RUNS_STARTED.inc(len(self._new))
        for state, number in Counter(run.state for run in self._changed_runs() if not run.is_open).items():
            RUNS_ENDED.labels(state).inc(number)
        for kind, number in Counter(step.kind for _, step in self._steps).items():
            STEPS_TAKEN.labels(kind).inc(number)


def _add_outcome(step_counts: StepCounts, outcome: Outcome) -> None:
    step_counts.passed += outcome in PASSED
    step_counts.sent += outcome == "sent"
    step_counts.not_sent += outcome == "not_sent"
    step_counts.went_then += outcome == "then"
    step_counts.went_else += outcome == "else"
