"""A definition played over the last days."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from services.workflow.domain.program import Program
from services.workflow.domain.simulation import Outcome, Replay
from services.workflow.store import contacts, occurrences
from services.workflow.use_cases.run_context import RunContext
from services.workflow.use_cases.service import WorkflowService

PIECE = 2_000  # events, between which others are served


class PastOutcome(NamedTuple):
    """How it went, and the share of the account's contacts that were looked at."""

    outcome: Outcome
    share: float

    def scaled(self, number: int) -> int:
        """What a number would be for all contacts."""
        return round(number / self.share)


async def replay_past(service: WorkflowService, program: Program, days: int, most: int) -> PastOutcome:
    """What would have happened if the definition had been in effect for `days`; conditions see the facts of today.

    Contacts are spread evenly over the partition numbers; once `most` events have been looked at, those that are left
    are left out.
    """
    now = datetime.now(UTC)
    environment = RunContext(service.catalogs, now)
    replay = Replay(program, environment)
    looked_at = partitions = 0
    while partitions < service.partitions and looked_at < most:
        looked_at += await _play(
            service, replay, environment, program.account_id, partitions, now - timedelta(days=days)
        )
        partitions += 1
    return PastOutcome(replay.finish(now), partitions / service.partitions)


async def _play(
    service: WorkflowService, replay: Replay, environment: RunContext, account_id: int, partition: int, since: datetime
) -> int:
    position = looked_at = 0
    while True:
        async with service.database.pool.acquire() as connection:
            piece = await occurrences.of_account(connection, partition, account_id, since, position, PIECE)
            concerned = {(account_id, one.seen.event.contact_id) for one in piece if replay.concerns(one.seen)}
            missing = concerned - environment.facts.keys()
            if missing:
                environment.facts.update(await contacts.load(connection, service.projection, missing))
        for one in piece:
            if (account_id, one.seen.event.contact_id) in environment.facts:
                replay.play(one.seen)
        looked_at += len(piece)
        if len(piece) < PIECE:
            return looked_at
        position = piece[-1].position
        await asyncio.sleep(0)
