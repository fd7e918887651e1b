"""Labeling's wiring."""

from services.labeling.api import ROUTERS
from services.labeling.api.service import Labeling
from services.labeling.consumers.background import Background
from services.labeling.consumers.engagements import CONSUMER, EngagementHandler
from services.labeling.consumers.labels import LabelHandler
from services.labeling.consumers.memberships import MembershipHandler
from services.labeling.settings import LabelingSettings
from services.labeling.store import MIGRATIONS
from services.labeling.use_cases.jobs import kinds
from services.labeling.use_cases.uploads import Limits
from shared.bus.handler import Consumer
from shared.jobs.runner import JobRunner
from shared.runtime.run import run
from shared.runtime.service import Parts, Service, Surroundings


async def build(surroundings: Surroundings) -> Parts:
    """Build the parts of the service."""
    background = Background(surroundings.database)
    settings = surroundings.settings
    assert isinstance(settings, LabelingSettings)
    limits = Limits(
        settings.labeling_upload_bytes,
        settings.labeling_upload_rows,
        settings.labeling_spreadsheet_bytes,
        settings.labeling_files_bytes,
    )
    jobs = JobRunner(surroundings.database, surroundings.relay, kinds(limits))
    return Parts(
        routers=ROUTERS,
        state=Labeling(surroundings, limits),
        consumers=[
            Consumer("labels", ("tracking.clicks", "workflow.commands"), LabelHandler()),
            Consumer("memberships", ("segmentation.memberships",), MembershipHandler(settings.partitions)),
            Consumer(CONSUMER, ("intake.engagements",), EngagementHandler(settings.partitions)),
        ],
        worker_tasks=[jobs.run, background.release_held, background.tidy_up],
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
