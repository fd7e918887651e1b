"""kill -9 of each kind of worker at random moments, under load."""

import asyncio

import pytest

from tests.faults.chain import Chain
from tests.faults.dice import new_dice

KILLS = 4

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


@pytest.mark.asyncio
async def test_killed_at_random_moments_nothing_is_lost_and_nothing_done_twice(chain: Chain) -> None:
    moments = new_dice()
    async with chain.load() as load:
        for number in range(KILLS):
            await load.reached(moments.randint(50, 400))
            victim = (chain.labeling, chain.tracking)[number % 2]
            victim.kill()
            victim.start(ready=False)
            if moments.random() < 0.5:
                # Killed again while it starts.
                await asyncio.sleep(moments.random() * 3)
                victim.kill()
                victim.start(ready=False)
        await load.reached(300)
    await chain.check()
