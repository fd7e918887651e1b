"""A record is delayed until its cause has arrived on another topic."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from shared.bus.assigned import AssignedPartition
from shared.bus.catalog import Catalog
from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.bus.record import PartitionId
from shared.events.parts import Origin
from shared.events.workflow import AssignLabel
from shared.settings import CommonSettings
from shared.store.unit_of_work import UnitOfWork
from tests.shared.bus.rig import DOGS, Rig, clicked, make_rig
from tests.stack.sandbox import Sandbox
from tests.stack.waiting import until, until_equal

TOPICS = ("tracking.clicks", "workflow.commands")

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]


class RecordingHandler(Handler):
    """Collects the topic and sequence of each record, in the order of processing."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        seen = [(received.topic, received.sequence or 0) for received in batch]
        work.after_commit(lambda: self.seen.extend(seen))


@pytest_asyncio.fixture
async def rig(sandbox: Sandbox) -> AsyncIterator[Rig]:
    settings = sandbox.settings
    async with make_rig(settings.kafka, sandbox.database("labeling"), settings.topic_prefix) as made:
        yield made


@pytest.mark.asyncio
async def test_a_command_waits_for_the_click_that_caused_it(rig: Rig) -> None:
    handler = RecordingHandler()
    async with rig.worker(handler, topics=TOPICS) as host:
        await rig.publish([clicked(1)], sequence=10)
        await until_equal(lambda: _seen(handler), [("tracking.clicks", 10)])
        # The topic of commands is ahead of the topic of clicks, as if a relay had been stopped.
        gate = asyncio.Event()
        read_to = host.read_to

        async def delayed(part: PartitionId, end: int) -> bool:
            return gate.is_set() and await read_to(part, end)

        host.read_to = delayed  # type: ignore[method-assign] # the end of the topic is not known yet
        await rig.publish([_command(1)], sequence=21, after={"tracking.clicks": 20})
        processor = host.partitions[2]
        await until(lambda: _waits_for_click(processor))
        await rig.publish([clicked(1)], sequence=20)
        await until_equal(
            lambda: _seen(handler),
            [("tracking.clicks", 10), ("tracking.clicks", 20), ("workflow.commands", 21)],
        )
        gate.set()


@pytest.mark.asyncio
async def test_a_command_is_processed_although_its_cause_never_arrives(rig: Rig) -> None:
    handler = RecordingHandler()
    async with rig.worker(handler, topics=TOPICS):
        await rig.publish([_command(1)], sequence=21, after={"tracking.clicks": 20})
        await until_equal(lambda: _seen(handler), [("workflow.commands", 21)])


class LaggingCatalog(Catalog):
    """A catalog with a stopped follower: it has read up to `read`, and does not know the end of the topic."""

    def __init__(self, settings: CommonSettings) -> None:
        super().__init__(settings, ["labeling.catalog"])
        self.read = 0

    def sequence(self, topic: str) -> int | None:
        return self.read if topic == "labeling.catalog" else None

    async def refresh(self, within: float = 1.0) -> bool:
        return False


@pytest.mark.asyncio
async def test_a_command_caused_by_a_deletion_waits_for_the_catalog(rig: Rig) -> None:
    """Otherwise a contact that loses a deleted label would briefly enter the segment "does not have this label"."""
    handler, catalog = RecordingHandler(), LaggingCatalog(rig.settings)
    async with rig.worker(handler, topics=TOPICS, catalog=catalog) as host:
        await rig.publish([_command(1)], sequence=21, after={"labeling.catalog": 20})
        await rig.publish([_command(2)], sequence=22, after={"tracking.catalog": 99})
        await until_equal(lambda: _seen(handler), [("workflow.commands", 22)])
        assigned = host.partitions[2]
        await until(
            lambda: assigned.lane is not None and assigned.lane.waits_for() == {PartitionId("labeling.catalog", 0)}
        )
        catalog.read = 20
        await until_equal(lambda: _seen(handler), [("workflow.commands", 22), ("workflow.commands", 21)])


async def _seen(handler: RecordingHandler) -> list[tuple[str, int]]:
    return list(handler.seen)


async def _waits_for_click(processor: AssignedPartition) -> bool:
    lane, number = processor.lane, processor.number
    command, click = PartitionId("workflow.commands", number), PartitionId("tracking.clicks", number)
    return lane is not None and lane.size(command) == 1 and lane.waits_for() == {click}


def _command(contact_id: int) -> AssignLabel:
    return AssignLabel(
        occurred_at=datetime.now(UTC),
        account_id=1,
        contact_id=contact_id,
        label_id=DOGS,
        origin=Origin(kind="workflow"),
    )
