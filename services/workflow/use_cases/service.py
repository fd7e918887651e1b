"""The resources of use cases: the database, the catalogs, and the projection of facts in use."""

from dataclasses import dataclass, field
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.workflow.domain.definitions import Definition
from services.workflow.domain.errors import InvalidDefinition, NotFound
from services.workflow.store import definitions
from services.workflow.store.definitions import StoredWorkflow
from services.workflow.use_cases.catalogs import Catalogs
from services.workflow.use_cases.pacing import AccountSlots
from services.workflow.use_cases.references import reference_faults
from shared.criteria import Fault
from shared.runtime.service import Resources
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class WorkflowService:
    """The dependencies of every use case."""

    resources: Resources
    catalogs: Catalogs
    projection: int
    replays: AccountSlots = field(default_factory=AccountSlots)

    @property
    def database(self) -> Database:
        """Return the service's database."""
        return self.resources.database

    @property
    def partitions(self) -> int:
        """Return the number of partitions of contact topics."""
        return self.database.partitions

    async def wait_until_published(self, work: UnitOfWork) -> None:
        """Wait, at most 1 s, until Kafka has acknowledged the events of a catalog unit of work."""
        await self.resources.acknowledged(work)

    def broken(self, account_id: int, definition: Definition) -> list[Fault]:
        """Return a fault for every reference of the definition that no longer exists."""
        return reference_faults(definition, self.catalogs.lookup(account_id))

    async def require_references(self, account_id: int, definition: Definition) -> None:
        """Check every reference of a definition; read the catalogs to their current ends before refusing one.

        Raises InvalidDefinition with a fault for each missing reference.
        """
        if self.broken(account_id, definition):
            await self.catalogs.catalog.refresh()
            faults = self.broken(account_id, definition)
            if faults:
                raise InvalidDefinition(tuple(faults))


async def find_workflow(connection: PoolConnectionProxy, account_id: int, workflow_id: UUID) -> StoredWorkflow:
    """Return a workflow of the account. Raises NotFound."""
    workflow = await definitions.find(connection, account_id, workflow_id)
    if workflow is None:
        raise NotFound("workflow", workflow_id)
    return workflow
