"""A catalog is a current copy of catalog topics in memory."""

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
async def test_start_reads_the_topics_to_their_ends(rig: Rig) -> None:
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
async def test_a_refresh_includes_all_writes_acknowledged_before_it(rig: Rig) -> None:
    catalog = Catalog(rig.settings, TOPICS)
    await catalog.start()
    notified: list[str] = []
    catalog.on_change(lambda event: notified.append(event.label_name))
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
        assert notified == ["0", "1", "2", "3", "4"]
    finally:
        await catalog.stop()


@pytest.mark.asyncio
async def test_a_refresh_times_out_if_it_cannot_reach_the_end(rig: Rig) -> None:
    catalog = Catalog(rig.settings, TOPICS)
    await catalog.start()
    try:
        assert await catalog.refresh()
        async with rig.relay():
            catalog._following.cancel()  # type: ignore[union-attr]
            await change(rig, uuid4(), "never read")
            await until(lambda: rig.all_published())
            assert await catalog.refresh(within=0.3) is False
    finally:
        await catalog.stop()


@pytest.mark.asyncio
async def test_the_watch_fails_when_the_follower_fails(rig: Rig) -> None:
    """Otherwise the process would accept revoked keys indefinitely."""
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
async def test_records_after_a_forged_sequence_are_still_read(rig: Rig) -> None:
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
