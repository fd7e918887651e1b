"""The phases of a workflow. An event counts for the definition that was in effect when it was recorded."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.workflow.domain.ages import may_trigger
from services.workflow.domain.definitions import AnyTrigger
from services.workflow.domain.program import Program
from services.workflow.domain.runs import ConsumedEvent

State = Literal["draft", "active", "paused", "deleted"]


@dataclass(frozen=True, slots=True)
class Phase:
    """A state and a version, in effect since `since`."""

    since: datetime
    state: State
    version: int


class Workflow:
    """A workflow with all its readable versions; phases are in the order in which they began."""

    def __init__(
        self, workflow_id: UUID, account_id: int, programs: Iterable[Program], phases: Iterable[Phase]
    ) -> None:
        self.workflow_id = workflow_id
        self.account_id = account_id
        self.programs = {program.version: program for program in programs}
        self.phases = tuple(phases)
        self._since = [phase.since for phase in self.phases]

    @property
    def state(self) -> State:
        """The state of the present phase."""
        return self.phases[-1].state

    def phase_at(self, recorded_at: datetime) -> Phase | None:
        """Return the phase that was in effect at a moment; None before the workflow was created."""
        number = bisect_right(self._since, recorded_at)
        return self.phases[number - 1] if number else None

    def triggers(self) -> Iterable[tuple[AnyTrigger, Program]]:
        """Return the triggers of every version that was ever activated."""
        activated = {phase.version for phase in self.phases if phase.state in ("active", "paused")}
        for version in sorted(activated & self.programs.keys()):
            program = self.programs[version]
            for trigger in program.definition.triggers:
                yield trigger, program

    def counts(self, program: Program, seen: ConsumedEvent) -> bool:
        """Return whether an event that matches this version's triggers starts a run.

        Old events and history start no runs. Events from a pause are processed afterwards; the definition's
        `while_paused` says whether they count.
        """
        if not may_trigger(seen, program.definition.max_event_age.length()):
            return False
        phase = self.phase_at(seen.recorded_at)
        if phase is None or phase.version != program.version or self.state == "deleted":
            return False
        return phase.state == "active" or (phase.state == "paused" and program.definition.while_paused == "queue")
