"""What happens without an event: time has come, a pause is over, members are taken, a workflow was deleted."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from services.workflow.domain.identity import recorded_at
from services.workflow.domain.runs import Causation, ConsumedEvent
from services.workflow.domain.triggers import OnSegment
from services.workflow.store import backlog, contacts, occurrences, runs
from services.workflow.store.backlog import Backlog, Enrolment
from services.workflow.store.contacts import Contact
from services.workflow.use_cases.ancestry import Ancestry
from services.workflow.use_cases.run_unit import Unit
from shared.events.codec import body_of
from shared.events.segmentation import SegmentEntered

# Bulk work goes in pieces, so that the events of a partition do not wait long for it (design, "Fairness").
PIECE = 2_000
MEMBERS = 1_000


class Ticking:
    """One piece of work in one unit; `run` says whether there is more."""

    def __init__(self, unit: Unit, partition: int, now: datetime) -> None:
        self.unit = unit
        self.connection = unit.work.connection
        self.partition = partition
        self.now = now

    async def run(self) -> bool:
        """What comes first: the end of what was deleted, what a pause held back, members, then the clock."""
        behind = self.unit.behind
        if await self._end_deleted():
            return True
        for one in behind.values():
            if one.active:
                await self._catch_up(one)
                return True
        for enrolment in await backlog.enrolments(self.connection, self.partition):
            await self._enrol(enrolment)
            return True
        due = await runs.due(self.connection, self.partition, self.now, behind, PIECE)
        await self.unit.load({run.contact for run in due}, due)
        for number, run in enumerate(due):
            self.unit.fire(run)
            await self.unit.keep_alive(number)
        return len(due) == PIECE

    async def _end_deleted(self) -> bool:
        left = await runs.of_deleted(self.connection, self.partition, PIECE)
        self.unit.cancel(None, left, "the workflow was deleted")
        return bool(left)

    async def _catch_up(self, behind: Backlog) -> None:
        """Decides on what came while a workflow was paused, in order, by what was in effect then."""
        unit, workflow_id = self.unit, behind.workflow_id
        account = unit.workflows.account_of(workflow_id)
        piece = await occurrences.after(self.connection, self.partition, account, behind.position, PIECE)
        unit.undecided = set(unit.undecided) - {workflow_id}
        await unit.load({(account, one.seen.event.contact_id) for one in piece})
        programs = [
            [program for program in unit.workflows.started_by(one.seen) if program.workflow_id == workflow_id]
            for one in piece
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
                unit.start(program, one.seen, one.body, ancestry.depth(one.seen))
            unit.remember(one.seen)
        more = len(piece) == PIECE
        await backlog.move(self.connection, workflow_id, self.partition, piece[-1].position if more else None)

    async def _enrol(self, enrolment: Enrolment) -> None:
        """Takes members that segments have already, each by the event that made it one."""
        unit, workflow_id = self.unit, enrolment.workflow_id
        program = unit.workflows.program(workflow_id, enrolment.version)
        segments = [
            trigger.segment
            for trigger in program.definition.triggers
            if isinstance(trigger, OnSegment) and trigger.on == "SegmentEntered" and trigger.include_existing
        ]
        account = program.account_id
        members = await contacts.members_after(
            self.connection, unit.projection, account, self.partition, enrolment.contact_id, segments, MEMBERS
        )
        entered = [
            entered_event(account, contact, segment, event)
            for contact, facts in members
            for segment in segments
            if (event := facts.entered_by(segment)) is not None
        ]
        of: set[Contact] = {(account, contact) for contact, _ in members}
        await unit.load(of)
        await unit.load_past((program, seen) for seen in entered)
        for number, seen in enumerate(entered):
            await unit.keep_alive(number)
            unit.start(program, seen, body_of(seen.event), 0)
        last = members[-1][0] if len(members) == MEMBERS else None
        await backlog.move_enrolment(self.connection, workflow_id, self.partition, last)


def entered_event(account: int, contact: int, segment: UUID, event_id: UUID) -> ConsumedEvent:
    """The event by which a contact became a member, as far as it is remembered."""
    event = SegmentEntered(
        event_id=event_id,
        occurred_at=datetime.min.replace(tzinfo=UTC),
        account_id=account,
        contact_id=contact,
        segment_id=segment,
        segment_name="",
        reason="definition",
    )
    at = recorded_at(event)
    return ConsumedEvent(replace(event, occurred_at=at), at, Causation(str(event_id)))
