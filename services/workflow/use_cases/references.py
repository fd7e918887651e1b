"""Checks that the things that a definition names exist: labels, segments, messages, links, fields."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from services.workflow.domain.definitions import AnyTrigger, Definition, criteria_of, triggers_of, walk
from services.workflow.domain.steps import SetField
from services.workflow.domain.triggers import OnLabel, OnSegment
from services.workflow.use_cases.catalogs import WorkflowLookup, criterion_faults, segment_trouble
from shared.criteria import Existence, Fault, parse
from shared.criteria.comparing import parse_day

END_ORIGINS = frozenset({"label_deleted", "label_merged"})


def reference_faults(definition: Definition, lookup: WorkflowLookup) -> list[Fault]:
    """Return a fault with a pointer for each missing thing that the definition names."""
    return [
        *_trigger_faults(definition, lookup),
        *_step_faults(definition, lookup),
        *_criterion_faults(definition, lookup),
    ]


def _trigger_faults(definition: Definition, lookup: WorkflowLookup) -> Iterator[Fault]:
    lookups = {
        "label": lookup.label,
        "message": lookup.message,
        "link": lookup.link,
        "segment": lookup.segment_existence,
    }
    for pointer, trigger in triggers_of(definition):
        for name, existence_of in lookups.items():
            named: UUID | None = getattr(trigger, name, None)
            if named is not None and not _expects_end_of_label(trigger):
                yield from _existence_faults(f"{pointer}/{name}", name, named, existence_of(named))
        if isinstance(trigger, OnSegment):
            for detail in segment_trouble(trigger.segment, lookup):
                yield Fault(f"{pointer}/segment", detail)


def _expects_end_of_label(trigger: AnyTrigger) -> bool:
    """Return whether a trigger is on the deletion or merging of its label, which therefore does not break it."""
    return isinstance(trigger, OnLabel) and not END_ORIGINS.isdisjoint(trigger.origins or ())


def _step_faults(definition: Definition, lookup: WorkflowLookup) -> Iterator[Fault]:
    for pointer, step in walk(definition.steps):
        here = f"{pointer}/{step.kind}"
        if step.send is not None:
            yield from _existence_faults(
                f"{here}/message", "message", step.send.message, lookup.message(step.send.message)
            )
        label_step = step.assign_label or step.remove_label
        if label_step is not None:
            yield from _existence_faults(f"{here}/label", "label", label_step.label, lookup.label(label_step.label))
        if step.set_field is not None:
            yield from _field_faults(here, step.set_field, lookup)


def _field_faults(pointer: str, step: SetField, lookup: WorkflowLookup) -> Iterator[Fault]:
    field = lookup.field(step.key)
    if field is None:
        yield Fault(f"{pointer}/key", f"there is no field {step.key}")
        return
    kind, choices = field
    value: Any = step.value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "text": isinstance(value, str),
        "number": is_number,
        "boolean": isinstance(value, bool),
        "date": parse_day(value) is not None,
        "choice": value in choices,
    }
    if value is not None and not fits[kind]:
        needed = f"one of {', '.join(choices)}" if kind == "choice" else f"of type {kind}"
        yield Fault(f"{pointer}/value", f"the value of the field {step.key} must be {needed}")


def _criterion_faults(definition: Definition, lookup: WorkflowLookup) -> Iterator[Fault]:
    for pointer, criterion in criteria_of(definition):
        for fault in criterion_faults(parse(criterion), lookup):
            yield Fault(pointer + fault.pointer, fault.detail)


def _existence_faults(pointer: str, what: str, named: UUID, existence: Existence) -> Iterator[Fault]:
    if existence == "unknown":
        yield Fault(pointer, f"there is no {what} {named}")
    elif existence != "known":
        yield Fault(pointer, f"{what} {named} was {existence}")
