"""One unit of work of some partition numbers: the state that it has read, and the runs that move in it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from services.workflow.domain.errors import UnreadableVersion
from services.workflow.domain.identity import run_id
from services.workflow.domain.program import Program
from services.workflow.domain.progress import (
    begin,
    end,
    fire,
    initial_run,
    look_back,
    receive,
    resume,
    waits_for_events,
)
from services.workflow.domain.runs import ConsumedEvent, Run, Transition
from services.workflow.domain.starting import EntryHistory, may_start, stopped_reason
from services.workflow.domain.triggers import THIS_RUN
from services.workflow.domain.waiting import CLOCK_TOLERANCE
from services.workflow.store import contacts, occurrences, runs
from services.workflow.store.backlog import DecisionState
from services.workflow.store.contacts import Contact
from services.workflow.store.runs import NewRun
from services.workflow.use_cases.broken_workflows import BrokenWorkflows
from services.workflow.use_cases.catalogs import Catalogs
from services.workflow.use_cases.loaded_workflows import LoadedWorkflows
from services.workflow.use_cases.metrics import TIMER_DELAY
from services.workflow.use_cases.run_changes import RunChanges
from services.workflow.use_cases.run_context import RunContext
from shared.store.unit_of_work import UnitOfWork

KEEP_ALIVE_INTERVAL = 500  # events or runs
log = structlog.get_logger()


class Unit:
    """The runs of a unit's contacts, and their changes; `states` has the unit's partition numbers.

    `load` reads what is needed; `start`, `deliver`, `fire`, `resume` and `cancel` move runs in memory; `save`
    writes. `now` is the time of all changes. By partition number, `undecided` are the workflows that do not process
    events now, and `next_due` is the time at which the first run that this unit moved is due. `with_blocked_runs` are
    the partition numbers with blocked runs. If a step raises an unexpected error, only its run fails.
    """

    def __init__(
        self,
        work: UnitOfWork,
        workflows: LoadedWorkflows,
        catalogs: Catalogs,
        projection: int,
        now: datetime,
        states: Mapping[int, DecisionState],
    ) -> None:
        self.work = work
        self.workflows = workflows
        self.catalogs = catalogs
        self.projection = projection
        self.environment = RunContext(catalogs, now)
        self.states = states
        self.undecided: dict[int, Collection[UUID]] = {number: state.behind for number, state in states.items()}
        self.changes = RunChanges(work, now)
        self.next_due: dict[int, datetime] = {}
        self.with_blocked_runs: set[int] = set()
        self._changed_facts: set[Contact] = set()
        self._open: dict[Contact, dict[UUID, Run]] = {}
        self._past: dict[tuple[UUID, int], EntryHistory] = {}
        self._existing: set[UUID] = set()
        self._waiting: dict[UUID, Run] = {}

    async def load(self, of_contacts: Collection[Contact], running: Iterable[Run] | None = None) -> None:
        """Load facts and open runs of contacts; `running` are the runs if they are already loaded."""
        connection = self.work.connection
        self.environment.facts.update(await contacts.load(connection, self.projection, of_contacts))
        if running is None:
            running = await runs.running(connection, of_contacts)
        for run in running:
            if self.changes.has_moved(run.run_id):
                continue  # the state in this unit is newer than the row
            self._open.setdefault(run.contact, {})[run.run_id] = run
            self.changes.loaded(run)

    async def load_past(self, starts: Iterable[tuple[Program, ConsumedEvent]]) -> None:
        """Load the state that decides whether runs may start."""
        candidates = list(starts)
        pairs = {(program.workflow_id, seen.event.contact_id) for program, seen in candidates}
        if not pairs:
            return
        self._past = await runs.entry_histories(self.work.connection, pairs)
        # Only a contact that has started before may have done so by the same event.
        again = [(program, seen) for program, seen in candidates if self._past_of(program, seen).seen_before]
        if again:
            run_ids = {_run_id_of(program, seen) for program, seen in again}
            self._existing = await runs.existing(self.work.connection, run_ids)

    def _past_of(self, program: Program, seen: ConsumedEvent) -> EntryHistory:
        return self._past[program.workflow_id, seen.event.contact_id]

    def undecided_of(self, contact: Contact) -> Collection[UUID]:
        """Return the workflows that do not process events of the contact now."""
        return self.undecided.get(self.work.number_of(*contact), ())

    def fold(self, seen: ConsumedEvent) -> None:
        """Add an event to the facts of its contact."""
        contact = (seen.event.account_id, seen.event.contact_id)
        self.environment.facts[contact].apply(seen.event, self.catalogs.zone(seen.event.account_id))
        self._changed_facts.add(contact)

    def forget(self, contact: Contact) -> None:
        """Remove the facts of an erased or merged contact."""
        self.environment.facts[contact].forget()
        self._changed_facts.add(contact)

    def deliver(self, seen: ConsumedEvent, only: UUID | None = None) -> None:
        """Deliver an event to the open runs of its contact; `only`: to those of one workflow."""
        event = seen.event
        of_contact = list(self._open.get((event.account_id, event.contact_id), {}).values())
        if not of_contact:
            return
        readings = list(self.catalogs.merged(event.account_id).readings(seen))
        undecided = self.undecided_of((event.account_id, event.contact_id))
        for run in of_contact:
            if run.workflow_id not in undecided and only in (None, run.workflow_id):
                self._move(run, partial(self._receive, run, readings))

    def _receive(self, run: Run, readings: Sequence[ConsumedEvent], program: Program) -> Transition | None:
        transitions = (receive(run, program, seen, self.environment) for seen in readings)
        return next((transition for transition in transitions if transition is not None), None)

    def start(self, program: Program, broken: BrokenWorkflows, seen: ConsumedEvent, body: bytes, depth: int) -> None:
        """Start a run if the workflow's rules allow it and the workflow is not broken."""
        past = self._past_of(program, seen)
        if not may_start(program.definition.reentry, past) or broken.faults(program):
            return
        if past.seen_before and _run_id_of(program, seen) in self._existing:
            return
        transition = self._begin(program, seen, depth)
        if transition is None:
            return
        run, correlation = transition.run, seen.cause.correlation_id
        past.seen_before = True
        self._existing.add(run.run_id)
        stopped = stopped_reason(depth)
        if stopped is not None:
            self.changes.add_new(NewRun(_stopped(run, stopped), transition.saw, body, correlation))
            return
        past.started += 1
        past.running += 1
        self.changes.add_new(NewRun(run, transition.saw, body, correlation))
        self._apply(transition, program)

    def _begin(self, program: Program, seen: ConsumedEvent, depth: int) -> Transition | None:
        try:
            return begin(program, seen, self.environment, depth)
        except Exception as error:  # noqa: BLE001 - one run must not stop the others; the error is logged
            run = initial_run(program, seen, self.environment.now, depth)
            return Transition(self._failed(run, error))

    def fire(self, run: Run) -> None:
        """Move a run that is due."""
        if run.due_at is not None:
            TIMER_DELAY.observe(max(0.0, (self.environment.now - run.due_at).total_seconds()))
        self._move(run, partial(fire, run, environment=self.environment))

    def resume(self, run: Run) -> None:
        """Retry the step of a blocked or failed run."""
        self._move(run, partial(resume, run, environment=self.environment))

    async def keep_alive(self, done: int) -> None:
        """Send a statement after every `KEEP_ALIVE_INTERVAL` items; `done` is the number of the present one.

        It keeps the connection's idle time-out from firing, and yields to other tasks.
        """
        if done % KEEP_ALIVE_INTERVAL == KEEP_ALIVE_INTERVAL - 1:
            await runs.keep_alive(self.work.connection)

    def cancel(self, contact: Contact | None, running: Iterable[Run], reason: str) -> None:
        """Cancel runs; `contact`: all open runs of this contact."""
        for run in list(self._open.get(contact, {}).values()) if contact else running:
            self.changes.loaded(run)
            self._apply(Transition(end(run, "cancelled", self.environment.now, reason)), None)

    def remember(self, seen: ConsumedEvent) -> None:
        """Remember a consumed event, because waits that begin later in this unit look back to it."""
        self.environment.seen.setdefault((seen.event.account_id, seen.event.contact_id), []).append(seen)

    async def look_back(self) -> None:
        """Deliver events that earlier units consumed just before to runs whose wait began in this unit."""
        while self._waiting:
            waiting, self._waiting = list(self._waiting.values()), {}
            moments: dict[Contact, datetime] = {}
            for run in waiting:
                since = run.since - CLOCK_TOLERANCE
                moments[run.contact] = min(since, moments.get(run.contact, since))
            events = await occurrences.since(self.work.connection, moments, self.work.number_of)
            for run in waiting:
                earlier = tuple(events.get(run.contact, ()))
                self._move(run, partial(look_back, run, earlier=earlier, environment=self.environment))

    def _move(self, run: Run, move: Callable[[Program], Transition | None]) -> None:
        """Apply the transition that `move` returns; a run whose step raises an unexpected error fails."""
        program: Program | None = None
        try:
            program = self.workflows.program(run.workflow_id, run.version)
            transition = move(program)
        except UnreadableVersion as error:
            transition = Transition(replace(run, state="blocked", due_at=None, reason=str(error)))
        except Exception as error:  # noqa: BLE001 - one run must not stop the others; the error is logged
            transition = Transition(self._failed(run, error))
        if transition is not None and transition.run != run:
            self._apply(transition, program)

    def _failed(self, run: Run, error: Exception) -> Run:
        log.error("run failed", run_id=str(run.run_id), step_id=run.step_id, exc_info=error)
        return end(run, "failed", self.environment.now, f"unexpected error: {type(error).__name__}")

    def _apply(self, transition: Transition, program: Program | None) -> None:
        run = transition.run
        self.changes.apply(transition)
        of_contact = self._open.setdefault(run.contact, {})
        if run.is_open:
            of_contact[run.run_id] = run
            number = self.work.number_of(*run.contact)
            if run.state == "blocked":
                self.with_blocked_runs.add(number)
            if run.due_at is not None:
                self.next_due[number] = min(run.due_at, self.next_due.get(number, run.due_at))
        else:
            of_contact.pop(run.run_id, None)
            past = self._past.get((run.workflow_id, run.contact_id))
            if past is not None:
                past.running -= 1
        self._waiting.pop(run.run_id, None)
        if program is not None and waits_for_events(run, program) and self._may_have_missed(run, program):
            self._waiting[run.run_id] = run

    def _may_have_missed(self, run: Run, program: Program) -> bool:
        """Return False if no answer is possible yet, because the message is requested in this unit."""
        wait_for = program.places[run.step_id or ""].step.wait_for
        assert wait_for is not None
        only_answers = all(getattr(trigger, "send", None) == THIS_RUN for trigger in wait_for.any)
        return not (only_answers and run.since >= self.environment.now - timedelta(seconds=1))

    async def save(self) -> None:
        """Write all changes."""
        changed = {contact: self.environment.facts[contact] for contact in self._changed_facts}
        if changed:
            await contacts.save(self.work.connection, self.projection, changed, self.work.number_of)
        await self.changes.save()


def _run_id_of(program: Program, seen: ConsumedEvent) -> UUID:
    event = seen.event
    return run_id(program.workflow_id, event.account_id, event.contact_id, event.event_id)


def _stopped(run: Run, reason: str) -> Run:
    return end(replace(run, step_id=None, steps_taken=0), "stopped", run.started_at, reason)
