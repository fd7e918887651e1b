"""Builds labeling from its parts, and runs it."""

from services.labeling.api import ROUTERS
from services.labeling.api.pages import PAGES
from services.labeling.api.service import Labeling
from services.labeling.consumers.background import Background
from services.labeling.consumers.engagements import CONSUMER, EngagementHandler
from services.labeling.consumers.labels import LabelHandler
from services.labeling.consumers.memberships import MembershipHandler
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.settings import LabelingSettings
from services.labeling.store import MIGRATIONS
from services.labeling.use_cases.jobs import kinds
from services.labeling.use_cases.uploads import Limits
from shared.bus.handler import Consumer
from shared.jobs.runner import JobRunner
from shared.runtime.run import run
from shared.runtime.service import Resources, ServiceDefinition, ServiceParts
from shared.tokens import TokenKeys


async def build(resources: Resources) -> ServiceParts:
    """Build the routers, consumers and tasks of the service."""
    background = Background(resources.database)
    settings = resources.settings
    assert isinstance(settings, LabelingSettings)
    limits = Limits(
        settings.labeling_upload_bytes,
        settings.labeling_upload_rows,
        settings.labeling_spreadsheet_bytes,
        settings.labeling_files_bytes,
    )
    state = _state(resources, settings, limits)
    jobs = JobRunner(resources.database, resources.relay, kinds(limits, state.suppression))
    return ServiceParts(
        routers=ROUTERS,
        public_routers=PAGES,
        state=state,
        consumers=[
            Consumer("labels", ("tracking.clicks", "workflow.commands"), LabelHandler()),
            Consumer("memberships", ("segmentation.memberships",), MembershipHandler(settings.partitions)),
            Consumer(CONSUMER, ("intake.engagements",), EngagementHandler(settings.partitions)),
        ],
        worker_tasks=[jobs.run, background.release_held, background.tidy_up],
    )


def _state(resources: Resources, settings: LabelingSettings, limits: Limits) -> Labeling:
    token_keys = None if settings.tracking_keys is None else settings.tracking_keys.get_secret_value()
    suppression_keys = token_keys if settings.suppression_keys is None else settings.suppression_keys.get_secret_value()
    return Labeling(
        resources,
        limits,
        tokens=None if token_keys is None else TokenKeys.parse(token_keys),
        suppression=None if suppression_keys is None else SuppressionKeys.parse(suppression_keys),
        preferences_url=settings.preferences_url.rstrip("/") or settings.own_url,
        forms_url=settings.forms_url.rstrip("/") or settings.own_url,
    )


SERVICE = ServiceDefinition(
    name="labeling",
    settings=LabelingSettings,
    migrations=MIGRATIONS,
    catalogs=(
        "tracking.catalog",
        "segmentation.catalog",
        "workflow.catalog",
    ),  # to find the uses of labels and fields
    build=build,
    description="Contacts, labels, and their assignments with reasons and clicks.",
)


def main() -> None:
    """Run the service until it is stopped."""
    run(SERVICE)
