"""What happens without an event: time has come, something was mended, a pause is over, existing contacts are taken."""

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

# Bulk work goes in pieces, so that the events of a partition do not wait long for it (design, "Fairness").
PIECE = 2_000
CONTACTS = 1_000

Bulk = Backlog | Enrolment | runs.DeletedWorkflow


class TickResult(NamedTuple):
    """`again`: there is more to do at once. `bulk_waits`: bulk work is left, which waits for the relay."""

    again: bool
    bulk_waits: bool


class Ticking:
    """One tick of a partition number in one unit.

    Timers come first, so that bulk work does not delay them; then one piece of bulk work, if `may_do_bulk`, of the
    account whose turn it is.
    """

    def __init__(
        self, unit: Unit, broken: BrokenWorkflows, turns: Turns, now: datetime, *, may_do_bulk: bool = True
    ) -> None:
        self.unit = unit
        self._turns = turns
        self.connection = unit.work.connection
        self.partition = unit.partition
        self.now = now
        self._broken = broken
        self._may_do_bulk = may_do_bulk

    async def run(self) -> TickResult:
        """Do what is due, and one piece of what is left."""
        more_timers = await self._fire_timers()
        more_mended = await self._free_mended()
        by_account = await self._find_bulk()
        if not by_account:
            return TickResult(more_timers or more_mended, bulk_waits=False)
        if not self._may_do_bulk:
            return TickResult(more_timers or more_mended, bulk_waits=True)
        bulk = by_account[self._turns.take(by_account)]
        if isinstance(bulk, Backlog):
            await self._catch_up(bulk)
        elif isinstance(bulk, Enrolment):
            await self._enrol(bulk)
        else:
            await self._end_runs(bulk)
        return TickResult(again=True, bulk_waits=False)

    async def _find_bulk(self) -> dict[int, Bulk]:
        """Return, for each account that has bulk work to do, what comes first: deleted workflows end, pauses end."""
        account_of = self.unit.workflows.account_of
        found: dict[int, Bulk] = {}
        for deleted in await runs.deleted_workflows(self.connection, self.partition):
            found.setdefault(account_of(deleted.workflow_id), deleted)
        for behind in self.unit.behind.values():
            if behind.active:
                found.setdefault(account_of(behind.workflow_id), behind)
        for enrolment in await backlog.enrolments(self.connection, self.partition):
            # A version that this release cannot read waits for one that can.
            if self.unit.workflows.find_program(enrolment.workflow_id, enrolment.version) is not None:
                found.setdefault(account_of(enrolment.workflow_id), enrolment)
        return found

    async def _fire_timers(self) -> bool:
        due = await runs.due(self.connection, self.partition, self.now, self.unit.behind, PIECE)
        await self.unit.load({run.contact for run in due}, due)
        for number, run in enumerate(due):
            self.unit.fire(run)
            await self.unit.keep_alive(number)
        return len(due) == PIECE

    async def _free_mended(self) -> bool:
        """Let runs go on whose condition is whole again."""
        left = PIECE
        for step in await runs.blocked_steps(self.connection, self.partition, self.unit.behind):
            if not self._is_mended(step):
                self.unit.has_blocked = True
                continue
            found = await runs.blocked(self.connection, self.partition, step, left)
            await self.unit.load({run.contact for run in found}, found)
            for number, run in enumerate(found):
                self.unit.resume(run)
                await self.unit.keep_alive(number)
            left -= len(found)
            if left <= 0:
                return True
        return False

    def _is_mended(self, step: BlockedStep) -> bool:
        catalogs = self.unit.catalogs
        try:
            program = self.unit.workflows.program(step.workflow_id, step.version)
            criterion = program.places[step.step_id].criterion
            for asked in (*program.exit_criteria, *(() if criterion is None else (criterion,))):
                catalogs.ready(program.account_id, asked)
            catalogs.zone(program.account_id)
        except (BrokenCondition, UnreadableVersion):
            return False
        return True

    async def _end_runs(self, deleted: runs.DeletedWorkflow) -> None:
        workflow_id = deleted.workflow_id
        left = await runs.open_of_workflow(self.connection, workflow_id, self.partition, PIECE)
        self.unit.cancel(None, left, "the workflow was deleted")
        if len(left) < PIECE:
            await runs.end_deletion(self.connection, workflow_id, self.partition)

    async def _catch_up(self, behind: Backlog) -> None:
        """Decide on what came while a workflow was paused, in order, by what was in effect then."""
        unit, workflow_id = self.unit, behind.workflow_id
        account = unit.workflows.account_of(workflow_id)
        piece = await occurrences.after(self.connection, self.partition, account, behind.position, PIECE)
        merged = unit.catalogs.merged(account)
        unit.undecided = set(unit.undecided) - {workflow_id}
        await unit.load({(account, one.seen.event.contact_id) for one in piece})
        programs = [
            [one for one in unit.workflows.started_by(event.seen, merged) if one.workflow_id == workflow_id]
            for event in piece
        ]
        await unit.load_past(
            (program, one.seen) for one, found in zip(piece, programs, strict=True) for program in found
        )
        ancestry = Ancestry()
        await ancestry.load(self.connection, [one.seen for one in piece])
        for number, (one, found) in enumerate(zip(piece, programs, strict=True)):
            await unit.keep_alive(number)
            unit.deliver(one.seen, only=workflow_id)
            for program in found:
                unit.start(program, self._broken, one.seen, one.body, ancestry.depth(one.seen))
            unit.remember(one.seen)
        more = len(piece) == PIECE
        await backlog.move(self.connection, workflow_id, self.partition, piece[-1].position if more else None)

    async def _enrol(self, enrolment: Enrolment) -> None:
        """Take contacts that are in a segment or hold a label already."""
        unit, workflow_id = self.unit, enrolment.workflow_id
        program = unit.workflows.program(workflow_id, enrolment.version)
        account = program.account_id
        existing = existing_of(program.definition, unit.catalogs.merged(account))
        members = await contacts.existing_after(
            self.connection, unit.projection, account, self.partition, enrolment.contact_id, existing, CONTACTS
        )
        events = [
            event
            for contact_id, facts in members
            for event in events_of_existing(program, existing, contact_id, facts, self.now)
        ]
        of: set[Contact] = {(account, contact_id) for contact_id, _ in members}
        await unit.load(of)
        await unit.load_past((program, seen) for seen in events)
        for number, seen in enumerate(events):
            await unit.keep_alive(number)
            unit.start(program, self._broken, seen, body_of(seen.event), 0)
        last = members[-1][0] if len(members) == CONTACTS else None
        await backlog.move_enrolment(self.connection, workflow_id, self.partition, last)
