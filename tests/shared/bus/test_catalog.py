"""Catalog topics in memory."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from shared.bus.catalog import Catalog
from shared.events.labeling import AccountChanged, LabelChanged
from tests.shared.bus.rig import Rig
from tests.stack.waiting import until

TOPICS = ("labeling.catalog", "labeling.keys")


async def change(rig: Rig, label_id: UUID, name: str) -> None:
    async with rig.database.unit_of_work(-1) as work:
        work.append(
            LabelChanged(
                occurred_at=work.now, account_id=1, label_id=label_id, label_name=name, description="",
                visibility="private",
            )
        )  # fmt: skip


@pytest.mark.asyncio
async def test_all_that_is_there_is_read_before_anything_else(rig: Rig) -> None:
    labels = [uuid4() for _ in range(50)]
    async with rig.relay():
        for label_id in labels:
            await change(rig, label_id, "before")
            await change(rig, label_id, "after")
        await until(lambda: rig.all_published())
    catalog = Catalog(rig.settings, TOPICS)
    await catalog.start()
    try:
        assert {label.label_id for label in catalog.all(LabelChanged, 1)} == set(labels)
        assert {label.label_name for label in catalog.all(LabelChanged)} == {"after"}
        assert catalog.all(LabelChanged, 2) == []
        assert catalog.find(AccountChanged, 1) is None
    finally:
        await catalog.stop()


@pytest.mark.asyncio
async def test_a_refresh_knows_what_was_acknowledged_before_it(rig: Rig) -> None:
    catalog = Catalog(rig.settings, TOPICS)
    await catalog.start()
    heard: list[str] = []
    catalog.on_change(lambda event: heard.append(event.label_name))
    try:
        async with rig.relay() as relay:
            for number in range(5):
                label_id = uuid4()
                await change(rig, label_id, str(number))
                relay.wake()
                await until(lambda: rig.all_published())
                assert all(await asyncio.gather(*(catalog.refresh() for _ in range(20))))
                found = catalog.find(LabelChanged, label_id)
                assert found is not None
                assert found.label_name == str(number)
        assert heard == ["0", "1", "2", "3", "4"]
    finally:
        await catalog.stop()


@pytest.mark.asyncio
async def test_a_refresh_gives_up_when_the_end_cannot_be_reached(rig: Rig) -> None:
    catalog = Catalog(rig.settings, TOPICS)
    await catalog.start()
    try:
        assert await catalog.refresh()
        async with rig.relay():
            catalog._follow.cancel()  # type: ignore[union-attr]
            await change(rig, uuid4(), "never read")
            await until(lambda: rig.all_published())
            assert await catalog.refresh(within=0.3) is False
    finally:
        await catalog.stop()


@pytest.mark.asyncio
async def test_a_follower_that_dies_is_noticed(rig: Rig) -> None:
    """Otherwise the process would accept revoked keys for ever."""
    catalog = Catalog(rig.settings, TOPICS)
    catalog.on_change(_fail)
    await catalog.start()
    watching = asyncio.create_task(catalog.watch())
    try:
        async with rig.relay():
            await change(rig, uuid4(), "Dogs")
            with pytest.raises(ZeroDivisionError):
                await asyncio.wait_for(watching, 30)
        assert catalog.trouble == "the catalogs cannot be read: ZeroDivisionError"
    finally:
        await catalog.stop()


@pytest.mark.asyncio
async def test_a_forged_sequence_does_not_silence_what_follows(rig: Rig) -> None:
    catalog = Catalog(rig.settings, TOPICS)
    await catalog.start()
    try:
        forged = AccountChanged(occurred_at=datetime.now(UTC), account_id=1, account_name="Forged", time_zone="UTC")
        await rig.publish([forged], sequence=2**62)
        async with rig.relay() as relay:
            async with rig.database.unit_of_work(-1) as work:
                work.append(AccountChanged(occurred_at=work.now, account_id=1, account_name="Shop", time_zone="UTC"))
            relay.wake()
            await until(lambda: catalog.find(AccountChanged, 1))
        found = catalog.find(AccountChanged, 1)
        assert found is not None
        assert found.account_name == "Shop"
        assert catalog.sequence("labeling.catalog") == work.position
        assert catalog.sequence("tracking.catalog") is None
    finally:
        await catalog.stop()


def _fail(event: object) -> None:
    raise ZeroDivisionError
