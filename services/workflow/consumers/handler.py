"""What the workflow service does with the topics that it reads."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from services.workflow.catalogs import Catalogs
from services.workflow.consumers.ancestry import Ancestry
from services.workflow.consumers.ticking import Ticking
from services.workflow.consumers.unit import Unit
from services.workflow.consumers.workflows import Workflows
from services.workflow.domain.identity import recorded_at
from services.workflow.domain.program import Program
from services.workflow.domain.runs import Cause, Seen
from services.workflow.metrics import EVENTS_DECIDED
from services.workflow.store import contacts, occurrences, runs, standing
from services.workflow.store.contacts import Contact
from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.events.codec import Tombstone
from shared.events.labeling import ContactChanged
from shared.http.idempotency import blank_answers
from shared.store.unit_of_work import UnitOfWork

TOPICS = (
    "labeling.contacts",  # first: of who is made with a label, a condition holds only once it is known
    "labeling.engagements",
    "labeling.labels",
    "segmentation.memberships",
    "tracking.clicks",
)
TIDY_EVERY = timedelta(hours=1)


class WorkflowHandler(Handler):
    """Folds facts, starts and moves runs, lets time pass.

    `projection` is the number of the facts that are built: a new one is folded from the beginning of the topics, and
    nothing is decided on a second time.
    """

    def __init__(
        self,
        catalogs: Catalogs,
        projection: int = 1,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._catalogs = catalogs
        self._projection = projection
        self._workflows = Workflows()
        self._next_due: dict[int, datetime | None] = {}
        self._tidied: dict[int, datetime] = {}
        self._clock = clock
        self._wakes = 0
        self._looked_for: set[int] = set()

    def wake(self) -> None:
        """A workflow has changed: look at once whether it has something to catch up with, or to end."""
        self._wakes += 1
        for partition in self._next_due:
            self._next_due[partition] = datetime.min.replace(tzinfo=UTC)

    async def opened(self, work: UnitOfWork, partition: int) -> None:
        """The first tick finds out what is due."""
        self._next_due[partition] = datetime.min.replace(tzinfo=UTC)

    def dropped(self, partition: int) -> None:
        self._next_due.pop(partition, None)

    def due(self, partition: int) -> datetime | None:
        return self._next_due.get(partition)

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        [partition] = work.partitions
        unit = await self._unit(work, partition, self._clock())
        new, known, gone = self._read(unit, batch)
        events = new + known
        await self._know_accounts({seen.event.account_id for seen, _ in events})
        await unit.load({(seen.event.account_id, seen.event.contact_id) for seen, _ in events} | gone)
        for seen, _ in known:
            self._fold(unit, seen)
        starts = {index: programs for index, (seen, _) in enumerate(new) if (programs := self._starts(unit, seen))}
        await unit.load_past((program, new[index][0]) for index, programs in starts.items() for program in programs)
        ancestry = Ancestry()
        await ancestry.load(work.connection, [seen for seen, _ in new])
        for index, (seen, record) in enumerate(new):
            self._consume(unit, ancestry, seen, record, starts.get(index, ()))
            await unit.breathe(index)
            if isinstance(seen.event, ContactChanged) and seen.event.state != "active":
                gone.add((seen.event.account_id, seen.event.contact_id))
        self._end(unit, gone)
        await unit.look_back()
        await unit.save()
        await self._blank(work, gone)
        await occurrences.write(
            work.connection,
            [
                occurrences.row_of(partition, seen, record.topic, _type(record), record.value or b"")
                for seen, record in new
                if not isinstance(seen.event, ContactChanged)
            ],
        )

        def committed() -> None:
            EVENTS_DECIDED.inc(len(new))
            due = self._next_due.get(partition)
            if unit.next_due is not None and (due is None or unit.next_due < due):
                self._next_due[partition] = unit.next_due

        work.after_commit(committed)

    async def tick(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        wakes = self._wakes
        unit = await self._unit(work, partition, now)
        again = await Ticking(unit, partition, now).run()
        await unit.look_back()
        await unit.save()
        await self._tidy(work, partition, now)
        following = now if again else await runs.next_due(work.connection, partition, unit.behind)

        def committed() -> None:
            if self._wakes == wakes:
                self._next_due[partition] = following

        work.after_commit(committed)

    async def _tidy(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        """Once an hour: forgets old events, and the facts that this projection has replaced (it has caught up)."""
        if now - self._tidied.setdefault(partition, now) >= TIDY_EVERY:
            await occurrences.forget(work.connection, partition, now)
            await contacts.delete_older(work.connection, partition, self._projection)
            self._tidied[partition] = now

    async def _unit(self, work: UnitOfWork, partition: int, now: datetime) -> Unit:
        stands = await standing.look(work.connection, partition, self._projection)
        if await self._workflows.refresh(work.connection, stands.revision):
            # A definition may name what the catalogs have learned a moment ago.
            await self._catalogs.catalog.refresh()
        return Unit(work, partition, self._workflows, self._catalogs, self._projection, now, stands)

    async def _know_accounts(self, accounts: set[int]) -> None:
        # Days are the account's days: its time zone must be known before anything is folded.
        unknown = {account for account in accounts if not self._catalogs.knows(account)} - self._looked_for
        if unknown:
            self._looked_for |= unknown
            await self._catalogs.catalog.refresh()

    def _read(
        self, unit: Unit, batch: Sequence[Received]
    ) -> tuple[list[tuple[Seen, Received]], list[tuple[Seen, Received]], set[Contact]]:
        """The batch as events to decide on, events on which was decided (by an older projection), contacts gone."""
        new: list[tuple[Seen, Received]] = []
        known: list[tuple[Seen, Received]] = []
        gone: set[Contact] = set()
        decided = unit.decided
        for record in batch:
            event = record.event
            if isinstance(event, Tombstone):
                account, contact = event.key.split(":")
                gone.add((int(account), int(contact)))
                continue
            cause = Cause(record.event_id, record.correlation_id, record.trace)
            seen = Seen(event, recorded_at(event), cause, record.causation_id)
            # A record that was held has an old sequence, and nothing was decided on it.
            is_new = record.held_id is not None or (record.sequence or 0) > decided.get(record.topic, 0)
            (new if is_new else known).append((seen, record))
        return new, known, gone

    def _fold(self, unit: Unit, seen: Seen) -> None:
        event = seen.event
        contact = (event.account_id, event.contact_id)
        unit.world.facts[contact].apply(event, self._catalogs.zone(event.account_id))
        unit.changed_facts.add(contact)

    def _starts(self, unit: Unit, seen: Seen) -> list[Program]:
        return [
            program for program in self._workflows.started_by(seen) if program.workflow_id not in unit.standing_still
        ]

    def _consume(self, unit: Unit, ancestry: Ancestry, seen: Seen, record: Received, starts: Sequence[Program]) -> None:
        self._fold(unit, seen)
        followed = ancestry.follow(seen)
        if followed is not None:
            unit.follow(followed)
        if isinstance(seen.event, ContactChanged):
            return
        unit.deliver(seen)
        for program in starts:
            unit.start(program, seen, record.value or b"", ancestry.depth(seen))
        unit.remember(seen)

    def _end(self, unit: Unit, gone: set[Contact]) -> None:
        """Contacts that are erased, or merged into another one: their runs end, what was known of them goes."""
        for contact in gone:
            unit.cancel(contact, (), "the contact is gone")
            unit.world.facts[contact].forget()
            unit.changed_facts.add(contact)

    async def _blank(self, work: UnitOfWork, gone: set[Contact]) -> None:
        if gone:
            accounts = {account for account, _ in gone}
            workflows = [workflow for account in accounts for workflow in self._workflows.of_account(account)]
            await runs.forget_what_was_seen(work.connection, gone, workflows)
            for account in sorted(accounts):
                await blank_answers(work.connection, account, [contact for of, contact in gone if of == account])


def _type(record: Received) -> str:
    """The CloudEvents type, as it came: the body may be of an older version than the model."""
    return next((value or b"").decode() for name, value in record.headers if name == "ce_type")
