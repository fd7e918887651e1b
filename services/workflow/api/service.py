"""What the endpoints work with, and what several of them ask."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy
from fastapi import Depends, Request

from services.workflow.catalogs import Catalogs
from services.workflow.domain.definitions import Definition
from services.workflow.domain.faults import InvalidDefinition
from services.workflow.references import reference_faults
from services.workflow.store import definitions
from services.workflow.store.definitions import StoredWorkflow
from shared.criteria import Fault
from shared.http.problems import FieldError, Problem
from shared.runtime.service import Surroundings
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class WorkflowService:
    """The service, as an endpoint sees it."""

    surroundings: Surroundings
    catalogs: Catalogs
    projection: int

    @property
    def database(self) -> Database:
        """The service's database."""
        return self.surroundings.database

    @property
    def partitions(self) -> int:
        """How many partition numbers there are."""
        return self.database.partitions

    async def told(self, work: UnitOfWork) -> None:
        """Waits until a catalog write can be seen by the other services: 1 s at most, then anyway."""
        await self.surroundings.acknowledged(work)

    def broken(self, account_id: int, definition: Definition) -> list[Fault]:
        """What the definition names and the account does not have any more."""
        return reference_faults(definition, self.catalogs.lookup(account_id))

    async def require(self, account_id: int, definition: Definition) -> None:
        """Raises Problem 422 if the definition names what the account does not have, also after another look."""
        if self.broken(account_id, definition):
            await self.catalogs.catalog.refresh()
            faults = self.broken(account_id, definition)
            if faults:
                raise invalid(faults)


def _service(request: Request) -> WorkflowService:
    service: WorkflowService = request.app.state.service
    return service


Workflows = Annotated[WorkflowService, Depends(_service)]


def invalid(faults: list[Fault] | tuple[Fault, ...]) -> Problem:
    """422, with a pointer to everything that is wrong."""
    errors = [FieldError(fault.pointer, fault.detail) for fault in faults[:100]]
    return Problem(422, "The workflow is not valid; see errors.", errors=errors)


async def named(connection: PoolConnectionProxy, account_id: int, workflow_id: UUID) -> StoredWorkflow:
    """A workflow of the account. Raises Problem 404."""
    found = await definitions.find(connection, account_id, workflow_id)
    if found is None:
        raise Problem(404, "There is no such workflow.")
    return found


def refuse(error: InvalidDefinition) -> Problem:
    """422, for a definition that could not be read."""
    return invalid(error.faults)


Json = dict[str, Any]
