"""Workers of tracking and labeling are killed with SIGKILL at random moments, under load."""

import asyncio

import pytest

from tests.faults.chain import Chain
from tests.faults.dice import new_dice

KILLS = 4

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


@pytest.mark.asyncio
async def test_every_click_counts_once_when_workers_are_killed(chain: Chain) -> None:
    dice = new_dice()
    async with chain.load() as load:
        for number in range(KILLS):
            await load.wait_for_more(dice.randint(50, 400))
            victim = (chain.labeling, chain.tracking)[number % 2]
            victim.kill()
            victim.start(ready=False)
            if dice.random() < 0.5:
                # Kill it again while it starts.
                await asyncio.sleep(dice.random() * 3)
                victim.kill()
                victim.start(ready=False)
        await load.wait_for_more(300)
    await chain.check()
