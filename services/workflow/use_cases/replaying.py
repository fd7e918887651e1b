"""Simulates a definition over the events of the last days."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from services.workflow.domain.program import Program
from services.workflow.domain.simulation import Replay, TrialOutcome
from services.workflow.store import contacts, occurrences
from services.workflow.use_cases.run_context import RunContext
from services.workflow.use_cases.service import WorkflowService
from shared.yielding import yielding

PIECE = 500  # events read and decoded in one piece


class PastOutcome(NamedTuple):
    """The outcome of a trial on past events, and the share of the account's contacts that it covered."""

    outcome: TrialOutcome
    share: float

    def scaled(self, number: int) -> int:
        """Return a number extrapolated to all contacts."""
        return round(number / self.share)


async def replay_past(service: WorkflowService, program: Program, days: int, most_events: int) -> PastOutcome:
    """Return what would have happened if the definition had been in effect for `days`.

    Conditions see the facts of today. Contacts are spread evenly over the partition numbers; once
    `most_events` have been processed, the remaining partition numbers are skipped. Raises TooBusy.
    """
    with service.replays.take(program.account_id):
        return await _PastReplay(service, program).play(days, most_events)


class _PastReplay:
    def __init__(self, service: WorkflowService, program: Program) -> None:
        self.service = service
        self.account_id = program.account_id
        self.now = datetime.now(UTC)
        self.environment = RunContext(service.catalogs, self.now)
        self.replay = Replay(program, self.environment)

    async def play(self, days: int, most_events: int) -> PastOutcome:
        events_read = partitions = 0
        while partitions < self.service.partitions and events_read < most_events:
            events_read += await self._play_partition(partitions, self.now - timedelta(days=days))
            partitions += 1
        async for contact in yielding(self.replay.contacts()):
            self.replay.finish_contact(contact, self.now)
        return PastOutcome(self.replay.outcome, partitions / self.service.partitions)

    async def _play_partition(self, partition: int, since: datetime) -> int:
        position = events_read = 0
        while True:
            piece = await self._read(partition, since, position)
            async for occurrence in yielding(piece):
                if (self.account_id, occurrence.seen.event.contact_id) in self.environment.facts:
                    self.replay.play(occurrence.seen)
            events_read += len(piece)
            if len(piece) < PIECE:
                return events_read
            position = piece[-1].position

    async def _read(self, partition: int, since: datetime, after: int) -> list[occurrences.Occurrence]:
        """Return events after a position; load the facts of their contacts."""
        async with self.service.database.pool.acquire() as connection:
            piece = await occurrences.of_account(connection, partition, self.account_id, since, after, PIECE)
            concerned = {one.seen.event.contact_id for one in piece if self.replay.concerns(one.seen)}
            missing = {(self.account_id, contact) for contact in concerned} - self.environment.facts.keys()
            if missing:
                self.environment.facts.update(await contacts.load(connection, self.service.projection, missing))
        return piece
