"""A definition compiled for runs: every step, with its successors."""

from dataclasses import dataclass
from uuid import UUID

from services.workflow.domain.definitions import AnyTrigger, Definition, ExitWhen
from services.workflow.domain.steps import Step, StepKind
from shared.criteria import Criterion, parse


@dataclass(frozen=True, slots=True)
class PlacedStep:
    """A step with its successors. None as a successor is the end of the run; `criterion` is that of the step."""

    id: str
    kind: StepKind
    step: Step
    following: str | None
    then: str | None = None
    otherwise: str | None = None
    criterion: Criterion | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """One version of a workflow, compiled for runs."""

    workflow_id: UUID
    version: int
    account_id: int
    definition: Definition
    first: str | None
    places: dict[str, PlacedStep]
    condition: Criterion | None
    exit_events: tuple[AnyTrigger, ...]
    exit_criteria: tuple[Criterion, ...]
    most_messages: int

    def criteria(self) -> tuple[Criterion, ...]:
        """Return every criterion of the program."""
        optional = [self.condition, *self.exit_criteria, *(place.criterion for place in self.places.values())]
        return tuple(criterion for criterion in optional if criterion is not None)


def compile_program(workflow_id: UUID, version: int, account_id: int, definition: Definition) -> Program:
    """Return the program of a definition from `read_definition`, in which every step has an id."""
    places: dict[str, PlacedStep] = {}
    first = _place(definition.steps, None, places)
    return Program(
        workflow_id=workflow_id,
        version=version,
        account_id=account_id,
        definition=definition,
        first=first,
        places=places,
        condition=None if definition.condition is None else parse(definition.condition),
        exit_events=tuple(rule for rule in definition.exit_on if not isinstance(rule, ExitWhen)),
        exit_criteria=tuple(parse(rule.no_longer) for rule in definition.exit_on if isinstance(rule, ExitWhen)),
        most_messages=most_messages(definition.steps),
    )


def _place(steps: tuple[Step, ...], following: str | None, places: dict[str, PlacedStep]) -> str | None:
    """Add the steps to `places`, last one first. Return the id of the first step; `following` if there are none."""
    for step in reversed(steps):
        assert step.id is not None, "read_definition gives every step an id"
        branches = dict(step.branches)
        places[step.id] = PlacedStep(
            id=step.id,
            kind=step.kind,
            step=step,
            following=following,
            then=_place(branches.get("then", ()), following, places),
            otherwise=_place(branches.get("else", ()), following, places),
            criterion=None if step.criterion is None else parse(step.criterion),
        )
        following = step.id
    return following


def most_messages(steps: tuple[Step, ...]) -> int:
    """Return the maximum number of messages that a run requests on any path."""
    messages = 0
    for step in steps:
        if step.kind == "exit":
            break
        if step.kind == "send":
            messages += 1
        if step.branches:
            messages += max(most_messages(inner) for _, inner in step.branches)
    return messages
