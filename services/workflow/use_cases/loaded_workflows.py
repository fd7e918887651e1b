"""All workflows in memory, indexed by their triggers."""

from collections.abc import Iterator
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.workflow.domain.errors import UnreadableVersion
from services.workflow.domain.matching import TriggerIndex
from services.workflow.domain.merged_labels import NONE_MERGED, MergedLabels
from services.workflow.domain.phases import Workflow
from services.workflow.domain.program import Program
from services.workflow.domain.runs import ConsumedEvent
from services.workflow.store import definitions


class LoadedWorkflows:
    """All workflows of a process; changed ones are loaded again in the transaction that needs them."""

    def __init__(self) -> None:
        self._workflows: dict[UUID, Workflow] = {}
        self._revision = 0
        self._indexes: dict[int, TriggerIndex[Program]] = {}

    async def refresh(self, connection: PoolConnectionProxy, revision: int) -> bool:
        """Load the workflows that changed up to a revision, and return whether any did."""
        if revision == self._revision:
            return False
        changed = await definitions.changed_since(connection, self._revision)
        for workflow in changed:
            self._workflows[workflow.workflow_id] = workflow
        self._revision = revision
        self._index({workflow.account_id for workflow in changed})
        return True

    def _index(self, accounts: set[int]) -> None:
        by_account: dict[int, list[Workflow]] = {account: [] for account in accounts}
        for workflow in self._workflows.values():
            account = self.account_of(workflow.workflow_id)
            if account in accounts and workflow.state != "deleted":
                by_account[account].append(workflow)
        for account, workflows in by_account.items():
            self._indexes[account] = TriggerIndex(
                (trigger, program) for workflow in workflows for trigger, program in workflow.triggers()
            )

    def program(self, workflow_id: UUID, version: int) -> Program:
        """Return the program of a version of a workflow. Raises UnreadableVersion."""
        program = self._workflows[workflow_id].programs.get(version)
        if program is None:
            raise UnreadableVersion(f"version {version} of the workflow cannot be read by this release")
        return program

    def find_program(self, workflow_id: UUID, version: int) -> Program | None:
        """Return the program of a version of a workflow; None if it cannot be read."""
        workflow = self._workflows.get(workflow_id)
        return None if workflow is None else workflow.programs.get(version)

    def workflow(self, workflow_id: UUID) -> Workflow:
        """Return a workflow with its phases."""
        return self._workflows[workflow_id]

    def account_of(self, workflow_id: UUID) -> int:
        """Return the account of a workflow."""
        return self._workflows[workflow_id].account_id

    def of_account(self, account_id: int) -> list[UUID]:
        """Return the account's workflows, including deleted ones."""
        return [workflow_id for workflow_id in self._workflows if self.account_of(workflow_id) == account_id]

    def started_by(self, seen: ConsumedEvent, merged: MergedLabels = NONE_MERGED) -> list[Program]:
        """Return the versions that were in effect when the event was recorded and that it starts."""
        index = self._indexes.get(seen.event.account_id)
        if index is None:
            return []
        programs: dict[UUID, Program] = {}
        for reading in merged.readings(seen):
            for program in self._in_effect(index, reading):
                programs.setdefault(program.workflow_id, program)
        return list(programs.values())

    def _in_effect(self, index: TriggerIndex[Program], seen: ConsumedEvent) -> Iterator[Program]:
        for program in index.find(seen.event):
            if self._workflows[program.workflow_id].counts(program, seen):
                yield program
