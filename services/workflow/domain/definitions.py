"""The definition of a workflow: triggers, steps, and exit rules."""

from collections.abc import Iterator
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Discriminator, Field, Tag

from services.workflow.domain.steps import Duration, Step
from services.workflow.domain.triggers import OnClick, OnEngagement, OnLabel, OnSegment, Strict, Trigger
from shared.criteria import Criterion, parse, references
from shared.criteria.references import References
from shared.events.workflow import Uses

Reentry = Literal["once", "every_time", "not_while_running"]
WhilePaused = Literal["queue", "skip"]
AnyTrigger = OnLabel | OnSegment | OnClick | OnEngagement

MAX_STEPS = 100
MAX_LEVELS = 10


class ExitWhen(Strict):
    """A run ends once this criterion no longer holds. It is evaluated before every step."""

    no_longer: object


def _exit_kind(value: object) -> str:
    if isinstance(value, ExitWhen) or (isinstance(value, dict) and "on" not in value and "no_longer" in value):
        return "ExitWhen"
    return "Trigger"


ExitRule = Annotated[
    Annotated[Trigger, Tag("Trigger")] | Annotated[ExitWhen, Tag("ExitWhen")], Discriminator(_exit_kind)
]


class Definition(Strict):
    """A workflow as data; see docs/reference/workflows.md.

    A trigger accepts an event only if it was recorded within `max_event_age` of the time at which it happened.
    `exit_on` has triggers, and `{"no_longer": criterion}`. Criteria are JSON values in the long form.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    triggers: Annotated[tuple[Trigger, ...], Field(min_length=1, max_length=20)]
    condition: object = None
    reentry: Reentry = "once"
    max_event_age: Duration = Duration(days=1)
    exit_on: Annotated[tuple[ExitRule, ...], Field(max_length=20)] = ()
    while_paused: WhilePaused = "queue"
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]


def walk(steps: tuple[Step, ...], pointer: str = "/steps") -> Iterator[tuple[str, Step]]:
    """Yield every step with its pointer, outer ones first, in the order of the definition."""
    for index, step in enumerate(steps):
        here = f"{pointer}/{index}"
        yield here, step
        for name, inner in step.branches:
            yield from walk(inner, f"{here}/{step.kind}/{name}")


def criteria_of(definition: Definition) -> Iterator[tuple[str, object]]:
    """Yield every criterion of the definition, as JSON values, with its pointer."""
    if definition.condition is not None:
        yield "/condition", definition.condition
    for index, rule in enumerate(definition.exit_on):
        if isinstance(rule, ExitWhen):
            yield f"/exit_on/{index}/no_longer", rule.no_longer
    for pointer, step in walk(definition.steps):
        if step.criterion is not None:
            yield f"{pointer}/{step.kind}/criterion", step.criterion


def triggers_of(definition: Definition) -> Iterator[tuple[str, AnyTrigger]]:
    """Yield every trigger of the definition, including those of `exit_on` and of waits, with its pointer."""
    for index, trigger in enumerate(definition.triggers):
        yield f"/triggers/{index}", trigger
    for index, rule in enumerate(definition.exit_on):
        if not isinstance(rule, ExitWhen):
            yield f"/exit_on/{index}", rule
    for pointer, step in walk(definition.steps):
        for index, trigger in enumerate(step.wait_for.any if step.wait_for else ()):
            yield f"{pointer}/wait_for/any/{index}", trigger


def uses_of(definition: Definition) -> Uses:
    """Return what the definition refers to, sorted."""
    labels: set[UUID] = set()
    segments: set[UUID] = set()
    messages: set[UUID] = set()
    fields: set[str] = set()
    for _, trigger in triggers_of(definition):
        labels |= {label for label in (getattr(trigger, "label", None),) if label}
        messages |= {message for message in (getattr(trigger, "message", None),) if message}
        segments |= {segment for segment in (getattr(trigger, "segment", None),) if segment}
    for _, criterion in criteria_of(definition):
        referenced = references_of(parse(criterion))
        labels |= referenced.labels
        segments |= referenced.segments
        messages |= referenced.messages
        fields |= referenced.fields
    for _, step in walk(definition.steps):
        for change in (step.assign_label, step.remove_label):
            labels |= {change.label} if change else set()
        messages |= {step.send.message} if step.send else set()
        fields |= {step.set_field.key} if step.set_field else set()
    return Uses(
        labels=tuple(sorted(labels)),
        segments=tuple(sorted(segments)),
        messages=tuple(sorted(messages)),
        fields=tuple(sorted(fields)),
    )


def references_of(criterion: Criterion) -> References:
    """Return what a criterion refers to; the criteria of its segments are not followed."""
    return references(criterion)
