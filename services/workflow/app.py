"""Wires the workflow service."""

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
from shared.runtime.service import Parts, Service, Surroundings
from shared.store.listener import listen


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def build(surroundings: Surroundings, clock: Callable[[], datetime] = _utc_now) -> Parts:
    """The service in its surroundings."""
    settings = surroundings.settings
    assert isinstance(settings, WorkflowSettings)
    catalogs = Catalogs(surroundings.catalog)
    handler = WorkflowHandler(catalogs, settings.workflow_projection, clock, delay=lambda: surroundings.relay.delay)
    surroundings.catalog.on_change(handler.changed)
    return Parts(
        routers=ROUTERS,
        state=WorkflowService(surroundings, catalogs, settings.workflow_projection),
        worker_tasks=[partial(listen, settings.workflow_database.get_secret_value(), {runs.DUE_CHANNEL: handler.wake})],
        consumers=[Consumer("workflow", TOPICS, handler, version=settings.workflow_projection)],
    )


SERVICE = Service(
    name="workflow",
    settings=WorkflowSettings,
    migrations=MIGRATIONS,
    catalogs=("labeling.catalog", "tracking.catalog", "segmentation.catalog", "workflow.catalog"),
    build=build,
    description="Workflows: what happens to a contact when something happens, step by step.",
)


def main() -> None:
    """Runs a process of the service."""
    run(SERVICE)
