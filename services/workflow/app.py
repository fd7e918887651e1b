"""Workflow's wiring."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from services.workflow.api.routers import ROUTERS
from services.workflow.consumers.handler import TOPICS, WorkflowHandler
from services.workflow.settings import WorkflowSettings
from services.workflow.store import MIGRATIONS, runs
from services.workflow.use_cases.catalogs import Catalogs
from services.workflow.use_cases.service import WorkflowService
from shared.bus.handler import Consumer
from shared.runtime.run import run
from shared.runtime.service import Resources, ServiceDefinition, ServiceParts
from shared.store.listener import listen


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def build(resources: Resources, clock: Callable[[], datetime] = _utc_now) -> ServiceParts:
    """Return the parts of the service."""
    settings = resources.settings
    assert isinstance(settings, WorkflowSettings)
    catalogs = Catalogs(resources.catalog)
    handler = WorkflowHandler(catalogs, settings.workflow_projection, clock, delay=lambda: resources.relay.delay)
    resources.catalog.on_change(handler.changed)
    return ServiceParts(
        routers=ROUTERS,
        state=WorkflowService(resources, catalogs, settings.workflow_projection),
        worker_tasks=[partial(listen, settings.workflow_database.get_secret_value(), {runs.DUE_CHANNEL: handler.wake})],
        consumers=[Consumer("workflow", TOPICS, handler, version=settings.workflow_projection)],
    )


SERVICE = ServiceDefinition(
    name="workflow",
    settings=WorkflowSettings,
    migrations=MIGRATIONS,
    catalogs=("labeling.catalog", "tracking.catalog", "segmentation.catalog", "workflow.catalog"),
    build=build,
    description="Workflows, which react to events of contacts step by step.",
)


def main() -> None:
    """Run a process of the service."""
    run(SERVICE)
