"""Segmentation's wiring."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from services.segmentation.api import ROUTERS, slices
from services.segmentation.api.state import State
from services.segmentation.consumers.slices import CONSUMER, TOPICS, VERSION, SliceHandler
from services.segmentation.settings import SegmentationSettings
from services.segmentation.store import MIGRATIONS
from services.segmentation.use_cases.audiences import Audiences
from services.segmentation.use_cases.campaign_recipients import CampaignRecipients
from services.segmentation.use_cases.campaign_reports import CampaignReports
from services.segmentation.use_cases.campaign_slices import CampaignSlices
from services.segmentation.use_cases.campaigns import Campaigns
from services.segmentation.use_cases.count_signal import CountSignal
from services.segmentation.use_cases.count_streams import CountStreams
from services.segmentation.use_cases.criteria import Criteria
from services.segmentation.use_cases.image_metrics import register_image_metrics
from services.segmentation.use_cases.segment_definitions import SegmentDefinitions
from services.segmentation.use_cases.segments import Segments
from services.segmentation.use_cases.slice_owners import SliceOwners
from shared.bus.handler import Consumer
from shared.runtime.run import run
from shared.runtime.service import Resources, ServiceDefinition, ServiceParts

log = structlog.get_logger()


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


async def build(resources: Resources, clock: Callable[[], datetime] = utc_now) -> ServiceParts:
    """Build the parts of a process of this service. `clock` returns the current time, which decides when days begin."""
    settings = resources.settings
    assert isinstance(settings, SegmentationSettings)
    if settings.url_is_unencrypted:
        log.warning(
            "requests between processes, and their secret, are not encrypted unless the network encrypts them: set "
            "PENCHANT_SEGMENTATION_URL to an https address, or PENCHANT_SEGMENTATION_INTERNAL_PORT to a private one",
            url=settings.own_url,
        )
    signal = CountSignal()
    handler = SliceHandler(
        SegmentDefinitions(resources.catalog),
        settings.partitions,
        settings.own_url,
        clock=clock,
        delay=lambda: resources.relay.delay,
        snapshot_every=timedelta(seconds=settings.segmentation_snapshot_seconds),
        campaigns=CampaignSlices(resources.catalog, settings.partitions),
    )
    handler.on_change(signal.notify)
    register_image_metrics(handler.memories)
    owners = SliceOwners(resources.database.pool, handler.memories, settings.partitions)
    all_segments = Segments(resources)
    criteria = Criteria(all_segments, owners, settings.partitions)
    audiences = Audiences(all_segments, owners, settings.partitions)
    campaigns = Campaigns(resources, audiences, settings.partitions, clock)
    return ServiceParts(
        routers=ROUTERS,
        internal_routers=[slices.router],
        state=State(
            segments=all_segments,
            criteria=criteria,
            audiences=audiences,
            campaigns=campaigns,
            recipients=CampaignRecipients(campaigns, owners, settings.partitions),
            reports=CampaignReports(campaigns, owners, settings.partitions),
            owners=owners,
            streams=CountStreams(criteria, signal, handler.definitions),
        ),
        consumers=[Consumer(CONSUMER, TOPICS, handler, VERSION)],
        worker_tasks=[campaigns.run],
        close=owners.close,
    )


SERVICE = ServiceDefinition(
    name="segmentation",
    settings=SegmentationSettings,
    migrations=MIGRATIONS,
    catalogs=("labeling.catalog", "tracking.catalog", "segmentation.catalog", "workflow.catalog"),
    build=build,
    description="Segments whose members are always current, campaigns, and queries about contacts.",
)


def main() -> None:
    """Run a process until it is stopped."""
    run(SERVICE)
