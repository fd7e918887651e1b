"""Wires segmentation together."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from services.segmentation.answers.owners import Owners
from services.segmentation.api import criteria, segments, slices
from services.segmentation.consumers.registry import Registry
from services.segmentation.consumers.slices import CONSUMER, TOPICS, VERSION, SliceHandler
from services.segmentation.lookup import Links
from services.segmentation.metrics import measure
from services.segmentation.segments import Segments
from services.segmentation.settings import SegmentationSettings
from services.segmentation.state import Changes, State
from services.segmentation.store import MIGRATIONS
from shared.bus.handler import Consumer
from shared.runtime.run import run
from shared.runtime.service import Parts, Service, Surroundings


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


async def build(surroundings: Surroundings, clock: Callable[[], datetime] = utc_now) -> Parts:
    """The parts of a process of this service. Days pass by `clock`."""
    settings = surroundings.settings
    assert isinstance(settings, SegmentationSettings)
    changes = Changes()
    handler = SliceHandler(
        Registry(surroundings.catalog),
        settings.partitions,
        settings.own_url,
        clock=clock,
        ahead=timedelta(seconds=settings.segmentation_clock_ahead),
        delay=lambda: surroundings.relay.delay,
        snapshot_every=timedelta(seconds=settings.segmentation_snapshot_seconds),
    )
    handler.on_change(changes.tell)
    measure(handler.memories)
    owners = Owners(surroundings.database.pool, handler.memories, settings.partitions)
    return Parts(
        routers=[segments.router, criteria.router],
        internal_routers=[slices.router],
        state=State(
            pool=surroundings.database.pool,
            partitions=settings.partitions,
            segments=Segments(surroundings, Links(surroundings.catalog)),
            owners=owners,
            changes=changes,
            registry=handler.registry,
        ),
        consumers=[Consumer(CONSUMER, TOPICS, handler, VERSION)],
        close=owners.close,
    )


SERVICE = Service(
    name="segmentation",
    settings=SegmentationSettings,
    migrations=MIGRATIONS,
    catalogs=("labeling.catalog", "tracking.catalog", "segmentation.catalog", "workflow.catalog"),
    build=build,
    description="Segments that are always current, and questions about contacts.",
)


def main() -> None:
    """The whole life of a process."""
    run(SERVICE)
