"""Members of segments are those that segmentation publishes."""

import random
from uuid import UUID

import pytest

from services.labeling.consumers.memberships import MembershipHandler
from services.labeling.store.segment_members import members_of
from shared.events.segmentation import SegmentEntered, SegmentLeft
from tests.services.labeling.shop import NOON, Shop

pytestmark = pytest.mark.asyncio
NEWS, SALE = UUID(int=1), UUID(int=2)


def entered(shop: Shop, contact_id: int, segment: UUID = NEWS) -> SegmentEntered:
    return SegmentEntered(
        occurred_at=NOON, account_id=shop.account_id, contact_id=contact_id, segment_id=segment,
        segment_name="News", reason="event",
    )  # fmt: skip


def left(shop: Shop, contact_id: int, segment: UUID = NEWS) -> SegmentLeft:
    return SegmentLeft(
        occurred_at=NOON, account_id=shop.account_id, contact_id=contact_id, segment_id=segment,
        segment_name="News", reason="event",
    )  # fmt: skip


async def members(shop: Shop, segment: UUID = NEWS, account_id: int | None = None) -> list[int] | None:
    found = await members_of(shop.database.pool, account_id or shop.account_id, segment)
    return None if found is None else list(found)


async def test_members_enter_and_leave_in_the_order_of_the_events(shop: Shop) -> None:
    handler = MembershipHandler(shop.database.partitions)
    assert await members(shop) is None
    await shop.deliver(handler, entered(shop, 1), entered(shop, 2), left(shop, 1), entered(shop, 3, SALE))
    assert (await members(shop), await members(shop, SALE)) == ([2], [3])
    await shop.deliver(handler, entered(shop, 1), left(shop, 2), left(shop, 9))
    assert await members(shop) == [1]
    await shop.deliver(handler, left(shop, 1))
    assert await members(shop) == []
    assert await members(shop, account_id=shop.account_id + 1) is None


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_members_do_not_depend_on_the_division_into_batches(shop: Shop, seed: int) -> None:
    dice = random.Random(seed)
    handler = MembershipHandler(shop.database.partitions)
    expected: set[int] = set()
    for _ in range(8):
        batch: list[SegmentEntered | SegmentLeft] = []
        for contact_id in [dice.randrange(1, 40) for _ in range(dice.randrange(1, 30))]:
            if contact_id in expected:
                expected.remove(contact_id)
                batch.append(left(shop, contact_id))
            else:
                expected.add(contact_id)
                batch.append(entered(shop, contact_id))
        await shop.deliver(handler, *batch)
    assert await members(shop) == sorted(expected)
