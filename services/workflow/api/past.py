"""A definition played over the last days."""

import asyncio
from datetime import UTC, datetime, timedelta

from services.workflow.api.service import WorkflowService
from services.workflow.domain.program import Program
from services.workflow.domain.simulation import Outcome, Replay
from services.workflow.store import contacts, occurrences
from services.workflow.world import UnitWorld

PIECE = 2_000  # events, between which others are served


async def play_the_past(service: WorkflowService, program: Program, days: int) -> Outcome:
    """What would have happened if the definition had been in effect for `days`; conditions see the facts of today."""
    now = datetime.now(UTC)
    since = now - timedelta(days=days)
    world = UnitWorld(service.catalogs, now)
    replay = Replay(program, world)
    for partition in range(service.partitions):
        position = 0
        while True:
            async with service.database.pool.acquire() as connection:
                piece = await occurrences.of_account(connection, partition, program.account_id, since, position, PIECE)
                concerned = {
                    (program.account_id, one.seen.event.contact_id) for one in piece if replay.concerns(one.seen)
                }
                missing = concerned - world.facts.keys()
                if missing:
                    world.facts.update(await contacts.load(connection, service.projection, missing))
            for one in piece:
                if (program.account_id, one.seen.event.contact_id) in world.facts:
                    replay.play(one.seen)
            if len(piece) < PIECE:
                break
            position = piece[-1].position
            await asyncio.sleep(0)
    return replay.finish(now)
