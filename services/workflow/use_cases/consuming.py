"""Applies a batch of events: folds facts, moves and starts runs, removes contacts that were erased or merged."""

from collections.abc import Sequence

from services.workflow.domain.identity import recorded_at
from services.workflow.domain.program import Program
from services.workflow.domain.runs import Causation, ConsumedEvent
from services.workflow.store import occurrences, runs
from services.workflow.store.contacts import Contact
from services.workflow.use_cases.ancestry import Ancestry, run_clicked
from services.workflow.use_cases.broken_workflows import BrokenWorkflows
from services.workflow.use_cases.loaded_workflows import LoadedWorkflows
from services.workflow.use_cases.run_unit import Unit
from shared.bus.received import Received
from shared.events.codec import Tombstone
from shared.events.labeling import ContactChanged
from shared.idempotency.claims import blank_answers
from shared.yielding import yielding

Consumed = tuple[ConsumedEvent, Received]


class Consumption:
    """One batch in one unit of work. After `run`, `decided` is the number of processed events."""

    def __init__(self, unit: Unit, workflows: LoadedWorkflows, broken: BrokenWorkflows) -> None:
        self.unit = unit
        self.decided = 0
        self._workflows = workflows
        self._broken = broken
        self._connection = unit.work.connection

    async def run(self, batch: Sequence[Received]) -> None:
        """Apply the batch and write the results."""
        unit = self.unit
        new, processed, removed = await self._classify(batch)
        events = new + processed
        await unit.catalogs.refresh_for_unknown({seen.event.account_id for seen, _ in events})
        await unit.load({(seen.event.account_id, seen.event.contact_id) for seen, _ in events} | removed)
        async for seen, _ in yielding(processed):
            unit.fold(seen)
        starts = {
            index: programs
            async for index, (seen, _) in yielding(enumerate(new))
            if (programs := self._started_by(seen))
        }
        await unit.load_past((program, new[index][0]) for index, programs in starts.items() for program in programs)
        ancestry = Ancestry()
        await ancestry.load(self._connection, [seen for seen, _ in new])
        async for index, (seen, record) in yielding(enumerate(new)):
            self._apply(ancestry, seen, record, starts.get(index, ()))
            await unit.keep_alive(index)
            if isinstance(seen.event, ContactChanged) and seen.event.state != "active":
                removed.add((seen.event.account_id, seen.event.contact_id))
        self._forget(removed)
        await unit.look_back()
        await unit.save()
        await self._blank_values(removed)
        await self._store(new)
        self.decided = len(new)

    async def _classify(self, batch: Sequence[Received]) -> tuple[list[Consumed], list[Consumed], set[Contact]]:
        """Return events to process, events that an older projection has processed, and erased or merged contacts."""
        new: list[Consumed] = []
        processed: list[Consumed] = []
        removed: set[Contact] = set()
        async for record in yielding(batch):
            event = record.event
            if isinstance(event, Tombstone):
                account, contact = event.key.split(":")
                removed.add((int(account), int(contact)))
                continue
            cause = Causation(record.event_id, record.correlation_id, record.trace)
            seen = ConsumedEvent(event, recorded_at(event), cause, record.causation_id)
            # A record that was held has an old sequence, but was not processed.
            decided = self.unit.states[record.partition].decided
            is_new = record.held_id is not None or (record.sequence or 0) > decided.get(record.topic, 0)
            (new if is_new else processed).append((seen, record))
        return new, processed, removed

    def _started_by(self, seen: ConsumedEvent) -> list[Program]:
        merged = self.unit.catalogs.merged(seen.event.account_id)
        programs = self._workflows.started_by(seen, merged)
        if not programs:
            return programs
        undecided = self.unit.undecided_of((seen.event.account_id, seen.event.contact_id))
        return [program for program in programs if program.workflow_id not in undecided]

    def _apply(self, ancestry: Ancestry, seen: ConsumedEvent, record: Received, starts: Sequence[Program]) -> None:
        unit = self.unit
        unit.fold(seen)
        followed = ancestry.follow(seen)
        if followed is not None:
            unit.changes.follow(followed)
        if isinstance(seen.event, ContactChanged):
            if seen.event.state == "active":
                unit.deliver(seen)  # it may end a wait for a criterion
            return
        unit.deliver(seen)
        for program in starts:
            unit.start(program, self._broken, seen, record.value or b"", ancestry.depth(seen))
        clicked = run_clicked(seen.event)
        if clicked is not None:
            unit.changes.click(*clicked)
        unit.remember(seen)

    def _forget(self, removed: set[Contact]) -> None:
        """End the runs of contacts that were erased or merged into others, and remove their facts."""
        for contact in removed:
            self.unit.cancel(contact, (), "the contact was erased or merged into another contact")
            self.unit.forget(contact)

    async def _blank_values(self, removed: set[Contact]) -> None:
        if removed:
            accounts = {account for account, _ in removed}
            workflows = [workflow for account in accounts for workflow in self._workflows.of_account(account)]
            await runs.blank_what_was_seen(self._connection, removed, workflows)
            for account in sorted(accounts):
                contacts = [contact for owner, contact in removed if owner == account]
                await blank_answers(self._connection, account, contacts)

    async def _store(self, new: Sequence[Consumed]) -> None:
        """Store the events for waits that look back, ends of pauses, and trials of drafts."""
        rows = [
            occurrences.row_of(record.partition, seen, record.topic, _type(record), record.value or b"")
            for seen, record in new
            if not isinstance(seen.event, ContactChanged)
        ]
        await occurrences.write(self._connection, rows)


def _type(record: Received) -> str:
    """Return the CloudEvents type of the record: the body may be of an older version than the model."""
    return next((value or b"").decode() for name, value in record.headers if name == "ce_type")
