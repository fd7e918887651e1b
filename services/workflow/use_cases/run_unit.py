"""One unit of work: what it has read, what runs do in it, what it writes at its end."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from services.workflow.domain.identity import run_id
from services.workflow.domain.program import Program
from services.workflow.domain.progress import CLOCK_TOLERANCE, begin, end, fire, look_back, receive, waits_for_events
from services.workflow.domain.runs import ConsumedEvent, Run, StepTaken, Transition
from services.workflow.domain.starting import EntryHistory, may_start, stopped_reason
from services.workflow.domain.triggers import THIS_RUN
from services.workflow.store import contacts, occurrences, runs
from services.workflow.store.backlog import DecisionState
from services.workflow.store.contacts import Contact
from services.workflow.store.runs import FollowingEvent, NewRun
from services.workflow.use_cases.catalogs import Catalogs
from services.workflow.use_cases.loaded_workflows import LoadedWorkflows
from services.workflow.use_cases.metrics import RUNS_ENDED, RUNS_STARTED, STEPS_TAKEN, TIMER_DELAY
from services.workflow.use_cases.requesting import event_of
from services.workflow.use_cases.run_context import RunContext
from shared.store.unit_of_work import UnitOfWork

AT_ONCE = 500  # events or runs between two statements that keep the connection alive


class Unit:
    """The runs of a unit's contacts, and all that happens to them; `partition` is its partition number.

    `load` reads what is needed, set-wise; `start`, `deliver`, `fire` and `cancel` move runs in memory; `save` writes.
    `now` is the time at which all of it happens; `decided` is as in `DecisionState`. `undecided` are the workflows that
    decide on nothing now.
    """

    def __init__(
        self,
        work: UnitOfWork,
        partition: int,
        workflows: LoadedWorkflows,
        catalogs: Catalogs,
        projection: int,
        now: datetime,
        state: DecisionState,
    ) -> None:
        self.work = work
        self.partition = partition
        self.workflows = workflows
        self.catalogs = catalogs
        self.projection = projection
        self.environment = RunContext(catalogs, now)
        self.behind = state.behind
        self.decided = state.decided
        self.undecided: Collection[UUID] = state.behind
        self.changed_facts: set[Contact] = set()
        self.next_due: datetime | None = None
        self._running: dict[Contact, dict[UUID, Run]] = {}
        self._past: dict[tuple[UUID, int], EntryHistory] = {}
        self._existing: set[UUID] = set()
        self._new: dict[UUID, NewRun] = {}
        self._moved: dict[UUID, Run] = {}
        self._steps: list[tuple[UUID, StepTaken]] = []
        self._followed: list[FollowingEvent] = []
        self._waiting: dict[UUID, Run] = {}

    async def load(self, of: Collection[Contact], running: Iterable[Run] | None = None) -> None:
        """Reads facts and running runs of contacts; `running`: the runs, where they are known already."""
        connection = self.work.connection
        self.environment.facts.update(await contacts.load(connection, self.projection, of))
        if running is None:
            running = await runs.running(connection, of)
        for run in running:
            self._running.setdefault(run.contact, {})[run.run_id] = run

    async def load_past(self, starts: Iterable[tuple[Program, ConsumedEvent]]) -> None:
        """Reads what decides on whether these may start."""
        wanted = list(starts)
        pairs = {(program.workflow_id, seen.event.contact_id) for program, seen in wanted}
        if not pairs:
            return
        self._past = await runs.past(self.work.connection, pairs)
        # Only a contact that has been here before may have been so by the same event.
        again = [(program, seen) for program, seen in wanted if self._past_of(program, seen).seen_before]
        if again:
            candidates = {_identity(program, seen) for program, seen in again}
            self._existing = await runs.existing(self.work.connection, candidates)

    def _past_of(self, program: Program, seen: ConsumedEvent) -> EntryHistory:
        return self._past[program.workflow_id, seen.event.contact_id]

    def fold(self, seen: ConsumedEvent) -> None:
        """Add an event to the facts of its contact."""
        contact = (seen.event.account_id, seen.event.contact_id)
        self.environment.facts[contact].apply(seen.event, self.catalogs.zone(seen.event.account_id))
        self.changed_facts.add(contact)

    def forget(self, contact: Contact) -> None:
        """Forget the facts of a contact that is gone."""
        self.environment.facts[contact].forget()
        self.changed_facts.add(contact)

    def deliver(self, seen: ConsumedEvent, only: UUID | None = None) -> None:
        """Gives an event to the runs of its contact; `only`: those of one workflow."""
        event = seen.event
        for run in list(self._running.get((event.account_id, event.contact_id), {}).values()):
            if run.workflow_id in self.undecided or only not in (None, run.workflow_id):
                continue
            transition = receive(run, self._program(run), seen, self.environment)
            if transition is not None:
                self._apply(transition)

    def start(self, program: Program, seen: ConsumedEvent, body: bytes, depth: int) -> None:
        """Starts a run, if the workflow's rules let it."""
        past = self._past_of(program, seen)
        if not may_start(program.definition.reentry, past):
            return
        if past.seen_before and _identity(program, seen) in self._existing:
            return
        transition = begin(program, seen, self.environment, depth)
        if transition is None:
            return
        run, correlation = transition.run, seen.cause.correlation_id
        past.seen_before = True
        self._existing.add(run.run_id)
        stopped = stopped_reason(depth)
        if stopped is not None:
            self._new[run.run_id] = NewRun(_never_begun(run, stopped), transition.saw, body, correlation)
            return
        past.started += 1
        past.running += 1
        self._new[run.run_id] = NewRun(run, transition.saw, body, correlation)
        self._apply(transition)

    def fire(self, run: Run) -> None:
        """The time of a run has come."""
        if run.due_at is not None:
            TIMER_DELAY.observe(max(0.0, (self.environment.now - run.due_at).total_seconds()))
        self._apply(fire(run, self._program(run), self.environment))

    async def keep_alive(self, done: int) -> None:
        """After each of many, count it; keep the connection's idle time-out from firing, and yield to other tasks."""
        if done % AT_ONCE == AT_ONCE - 1:
            await runs.keep_alive(self.work.connection)

    def cancel(self, of: Contact | None, running: Iterable[Run], reason: str) -> None:
        """Ends runs from outside; `of`: all runs of this contact."""
        for run in list(self._running.get(of, {}).values()) if of else running:
            self._apply(Transition(end(run, "cancelled", self.environment.now, reason)))

    def remember(self, seen: ConsumedEvent) -> None:
        """The event has been consumed; waits that begin later in this unit look back to it."""
        self.environment.seen.setdefault((seen.event.account_id, seen.event.contact_id), []).append(seen)

    def follow(self, event: FollowingEvent) -> None:
        """Remembers an event that followed from a run."""
        self._followed.append(event)

    async def look_back(self) -> None:
        """Lets runs whose wait began in this unit see what was consumed just before, in units before this one."""
        while self._waiting:
            waiting, self._waiting = list(self._waiting.values()), {}
            moments: dict[Contact, datetime] = {}
            for run in waiting:
                contact = run.contact
                since = run.since - CLOCK_TOLERANCE
                moments[contact] = min(since, moments.get(contact, since))
            seen = await occurrences.since(self.work.connection, self.partition, moments)
            for run in waiting:
                transition = look_back(run, self._program(run), tuple(seen.get(run.contact, ())), self.environment)
                if transition is not None:
                    self._apply(transition)

    def _program(self, run: Run) -> Program:
        return self.workflows.program(run.workflow_id, run.version)

    def _apply(self, transition: Transition) -> None:
        run = transition.run
        running = self._running.setdefault(run.contact, {})
        if run.run_id in self._new:
            self._new[run.run_id] = self._new[run.run_id]._replace(run=run)
        else:
            self._moved[run.run_id] = run
        if run.state == "running":
            running[run.run_id] = run
            if run.due_at is not None and (self.next_due is None or run.due_at < self.next_due):
                self.next_due = run.due_at
        else:
            running.pop(run.run_id, None)
            past = self._past.get((run.workflow_id, run.contact_id))
            if past is not None:
                past.running -= 1
        self._ask(transition)
        self._waiting.pop(run.run_id, None)
        if waits_for_events(run, self._program(run)) and self._may_have_missed(run):
            self._waiting[run.run_id] = run

    def _may_have_missed(self, run: Run) -> bool:
        """Nobody can have answered already to what is asked for in this very unit."""
        wait_for = self._program(run).places[run.step_id or ""].step.wait_for
        assert wait_for is not None
        only_answers = all(getattr(trigger, "send", None) == THIS_RUN for trigger in wait_for.any)
        return not (only_answers and run.since >= self.environment.now - timedelta(seconds=1))

    def _ask(self, transition: Transition) -> None:
        run = transition.run
        for effect in transition.effects:
            event = event_of(effect, run, self.environment.now)
            self.work.append(event, cause=effect.cause)
            self._followed.append(
                FollowingEvent(
                    event.event_id,
                    run.run_id,
                    effect.step_id,
                    event.name,
                    effect.cause.event_id,
                    self.environment.now,
                    True,
                )
            )
        self._steps += [(run.run_id, step) for step in transition.steps]

    async def save(self) -> None:
        """Writes everything, set-wise."""
        connection = self.work.connection
        changed = {contact: self.environment.facts[contact] for contact in self.changed_facts}
        if changed:
            await contacts.save(connection, self.projection, self.partition, changed)
        await runs.insert(connection, self.partition, list(self._new.values()))
        await runs.update(connection, list(self._moved.values()))
        await runs.insert_steps(connection, self._steps)
        await runs.insert_effects(connection, self._followed)
        self.work.after_commit(self._count)

    def _count(self) -> None:
        RUNS_STARTED.inc(len(self._new))
        touched = [*(new.run for new in self._new.values()), *self._moved.values()]
        for state, number in Counter(run.state for run in touched if run.state != "running").items():
            RUNS_ENDED.labels(state).inc(number)
        for kind, number in Counter(step.kind for _, step in self._steps).items():
            STEPS_TAKEN.labels(kind).inc(number)


def _identity(program: Program, seen: ConsumedEvent) -> UUID:
    event = seen.event
    return run_id(program.workflow_id, event.account_id, event.contact_id, event.event_id)


def _never_begun(run: Run, reason: str) -> Run:
    return end(replace(run, step_id=None, steps_taken=0), "stopped", run.started_at, reason)
