"""Wires the workflow service."""

from collections.abc import Callable
from datetime import UTC, datetime

from services.workflow.api.routers import ROUTERS
from services.workflow.consumers.handler import TOPICS, WorkflowHandler
from services.workflow.settings import WorkflowSettings
from services.workflow.store import MIGRATIONS
from services.workflow.use_cases.catalogs import Catalogs
from services.workflow.use_cases.service import WorkflowService
from shared.bus.handler import Consumer
from shared.events.workflow import WorkflowChanged
from shared.runtime.run import run
from shared.runtime.service import Parts, Service, Surroundings


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def build(surroundings: Surroundings, clock: Callable[[], datetime] = _utc_now) -> Parts:
    """The service in its surroundings."""
    settings = surroundings.settings
    assert isinstance(settings, WorkflowSettings)
    catalogs = Catalogs(surroundings.catalog)
    handler = WorkflowHandler(catalogs, settings.workflow_projection, clock)

    def changed(event: object) -> None:
        if isinstance(event, WorkflowChanged):
            handler.wake()

    surroundings.catalog.on_change(changed)
    return Parts(
        routers=ROUTERS,
        state=WorkflowService(surroundings, catalogs, settings.workflow_projection),
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
