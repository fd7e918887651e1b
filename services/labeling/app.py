"""Labeling's wiring."""

from services.labeling.api import ROUTERS
from services.labeling.api.service import Labeling
from services.labeling.consumers.background import Background
from services.labeling.consumers.engagements import CONSUMER, EngagementHandler
from services.labeling.consumers.labels import LabelHandler
from services.labeling.settings import LabelingSettings
from services.labeling.store import MIGRATIONS
from shared.bus.handler import Consumer
from shared.runtime.run import run
from shared.runtime.service import Parts, Service, Surroundings


async def build(surroundings: Surroundings) -> Parts:
    """Build the parts of the service."""
    background = Background(surroundings.database, surroundings.relay)
    return Parts(
        routers=ROUTERS,
        state=Labeling(surroundings),
        consumers=[
            Consumer("labels", ("tracking.clicks", "workflow.commands"), LabelHandler()),
            Consumer(CONSUMER, ("intake.engagements",), EngagementHandler(surroundings.settings.partitions)),
        ],
        worker_tasks=[background.run_jobs, background.release_held],
    )


SERVICE = Service(
    name="labeling",
    settings=LabelingSettings,
    migrations=MIGRATIONS,
    catalogs=(),
    build=build,
    description="Contacts, labels, and who holds which: why, and how often they clicked for it.",
)


def main() -> None:
    """Run the service until it is stopped."""
    run(SERVICE)
