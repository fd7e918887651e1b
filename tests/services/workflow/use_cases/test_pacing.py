"""Long work of one account leaves room for others."""

import asyncio
from time import monotonic

import pytest

from services.workflow.domain.errors import TooBusy
from services.workflow.use_cases.pacing import AccountSlots, YieldTimer


def test_an_account_has_a_few_requests_at_work_and_others_have_theirs() -> None:
    slots = AccountSlots(2)
    with slots.take(1), slots.take(1):
        with pytest.raises(TooBusy), slots.take(1):
            pass
        with slots.take(2):
            pass
    with slots.take(1), slots.take(1):
        pass


@pytest.mark.asyncio
async def test_others_have_their_turn_while_work_goes_on() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    timer, until = YieldTimer(), monotonic() + 0.2
    while monotonic() < until:
        await timer.yield_if_due()
    task.cancel()
    assert turns >= 2
