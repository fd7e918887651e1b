"""Work without an event: timers, mended conditions, ends of pauses, and enrolment of existing contacts."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from services.workflow.domain.environment import BrokenCondition
from services.workflow.domain.errors import UnreadableVersion
from services.workflow.domain.turns import Turns
from services.workflow.store import backlog, contacts, occurrences, runs
from services.workflow.store.backlog import Backlog, Enrolment
from services.workflow.store.contacts import Contact
from services.workflow.store.runs import BlockedStep
from services.workflow.use_cases.ancestry import Ancestry
from services.workflow.use_cases.broken_workflows import BrokenWorkflows
from services.workflow.use_cases.enrolling import events_of_existing, existing_of
from services.workflow.use_cases.run_unit import Unit
from shared.events.codec import body_of
from shared.yielding import yielding

# Bulk work is done in pieces, so that the events of a partition do not wait long.
PIECE = 2_000
ENROLMENT_PIECE = 1_000

Bulk = Backlog | Enrolment | runs.DeletedWorkflow


class TickResult(NamedTuple):
    """Partition numbers that have more to do at once, and those whose bulk work waits for the relay."""

    again: set[int]
    bulk_waits: set[int]


class Ticking:
    """One tick of some partition numbers in one unit.

    Timers come first, so that bulk work does not delay them; then one piece of bulk work for each number, if
    `may_do_bulk`, of the account whose turn it is.
    """

    def __init__(
        self,
        unit: Unit,
        broken: BrokenWorkflows,
        turns: Mapping[int, Turns],
        now: datetime,
        *,
        may_do_bulk: bool = True,
    ) -> None:
        self.unit = unit
        self._turns = turns
        self.connection = unit.work.connection
        self.partitions = sorted(unit.states)
        self.now = now
        self._broken = broken
        self._may_do_bulk = may_do_bulk

    async def run(self) -> TickResult:
        """Fire due timers, resume mended runs, and do one piece of bulk work for each number if allowed."""
        await self._fire_timers()
        again = await self._resume_mended()
        bulk = await self._find_bulk()
        if not self._may_do_bulk:
            return TickResult(again, bulk_waits=set(bulk))
        for partition, by_account in bulk.items():
            await self._do_bulk(by_account[self._turns[partition].take(by_account)])
        return TickResult(again | bulk.keys(), bulk_waits=set())

    async def _do_bulk(self, bulk: Bulk) -> None:
        if isinstance(bulk, Backlog):
            await self._catch_up(bulk)
        elif isinstance(bulk, Enrolment):
            await self._enrol(bulk)
        else:
            await self._cancel_runs(bulk)

    async def _find_bulk(self) -> dict[int, dict[int, Bulk]]:
        """Return the first bulk work of each partition number and account: deletions, then pauses, then enrolments."""
        account_of = self.unit.workflows.account_of
        first: defaultdict[int, dict[int, Bulk]] = defaultdict(dict)

        def add(bulk: Bulk) -> None:
            first[bulk.partition].setdefault(account_of(bulk.workflow_id), bulk)

        for deleted in await runs.deleted_workflows(self.connection, self.partitions):
            add(deleted)
        for partition in self.partitions:
            for behind in self.unit.states[partition].behind.values():
                if behind.active:
                    add(behind)
        for enrolment in await backlog.enrolments(self.connection, self.partitions):
            # A version that this release cannot read waits for a release that can.
            if self.unit.workflows.find_program(enrolment.workflow_id, enrolment.version) is not None:
                add(enrolment)
        return first

    async def _fire_timers(self) -> None:
        """Move due runs. Those beyond the limit are due at the next tick, which comes at once: see `runs.next_due`."""
        limit = max(1, PIECE // len(self.partitions))
        due = await runs.due(self.connection, self.partitions, self.now, limit)
        await self.unit.load({run.contact for run in due}, due)
        async for number, run in yielding(enumerate(due)):
            self.unit.fire(run)
            await self.unit.keep_alive(number)

    async def _resume_mended(self) -> set[int]:
        """Resume runs whose condition is mended; return the partition numbers in which there may be more."""
        remaining = PIECE
        for step in await runs.blocked_steps(self.connection, self.partitions):
            if not self._is_mended(step):
                self.unit.with_blocked_runs.add(step.partition)
                continue
            if remaining <= 0:
                return set(self.partitions)
            blocked = await runs.blocked(self.connection, step, remaining)
            await self.unit.load({run.contact for run in blocked}, blocked)
            async for number, run in yielding(enumerate(blocked)):
                self.unit.resume(run)
                await self.unit.keep_alive(number)
            remaining -= len(blocked)
        return set(self.partitions) if remaining <= 0 else set()

    def _is_mended(self, step: BlockedStep) -> bool:
        catalogs = self.unit.catalogs
        try:
            program = self.unit.workflows.program(step.workflow_id, step.version)
            criterion = program.places[step.step_id].criterion
            for required in (*program.exit_criteria, *(() if criterion is None else (criterion,))):
                catalogs.with_segments_inlined(program.account_id, required)
            catalogs.zone(program.account_id)
        except (BrokenCondition, UnreadableVersion):
            return False
        return True

    async def _cancel_runs(self, deleted: runs.DeletedWorkflow) -> None:
        partition, workflow_id = deleted
        open_runs = await runs.open_of_workflow(self.connection, workflow_id, partition, PIECE)
        self.unit.cancel(None, open_runs, "the workflow was deleted")
        if len(open_runs) < PIECE:
            await runs.end_deletion(self.connection, workflow_id, partition)

    async def _catch_up(self, behind: Backlog) -> None:
        """Process the events of a pause, in order, with the definitions that were in effect at their times."""
        unit, partition, workflow_id = self.unit, behind.partition, behind.workflow_id
        account = unit.workflows.account_of(workflow_id)
        piece = await occurrences.after(self.connection, partition, account, behind.position, PIECE)
        merged = unit.catalogs.merged(account)
        unit.undecided[partition] = set(unit.undecided[partition]) - {workflow_id}
        await unit.load({(account, occurrence.seen.event.contact_id) for occurrence in piece})
        programs = [
            [
                program
                for program in unit.workflows.started_by(occurrence.seen, merged)
                if program.workflow_id == workflow_id
            ]
            for occurrence in piece
        ]
        await unit.load_past(
            (program, occurrence.seen)
            for occurrence, started in zip(piece, programs, strict=True)
            for program in started
        )
        ancestry = Ancestry()
        await ancestry.load(self.connection, [occurrence.seen for occurrence in piece])
        async for number, (occurrence, started) in yielding(enumerate(zip(piece, programs, strict=True))):
            await unit.keep_alive(number)
            unit.deliver(occurrence.seen, only=workflow_id)
            for program in started:
                unit.start(program, self._broken, occurrence.seen, occurrence.body, ancestry.depth(occurrence.seen))
            unit.remember(occurrence.seen)
        more = len(piece) == PIECE
        await backlog.move(self.connection, workflow_id, partition, piece[-1].position if more else None)

    async def _enrol(self, enrolment: Enrolment) -> None:
        """Enrol contacts that are already in a segment or hold a label."""
        unit, partition, workflow_id = self.unit, enrolment.partition, enrolment.workflow_id
        program = unit.workflows.program(workflow_id, enrolment.version)
        account = program.account_id
        existing = existing_of(program.definition, unit.catalogs.merged(account))
        members = await contacts.existing_after(
            self.connection, unit.projection, account, partition, enrolment.contact_id, existing, ENROLMENT_PIECE
        )
        events = [
            event
            for contact_id, facts in members
            for event in events_of_existing(program, existing, contact_id, facts, self.now)
        ]
        enrolled: set[Contact] = {(account, contact_id) for contact_id, _ in members}
        await unit.load(enrolled)
        await unit.load_past((program, seen) for seen in events)
        async for number, seen in yielding(enumerate(events)):
            await unit.keep_alive(number)
            unit.start(program, self._broken, seen, body_of(seen.event), 0)
        last = members[-1][0] if len(members) == ENROLMENT_PIECE else None
        await backlog.move_enrolment(self.connection, workflow_id, partition, last)
