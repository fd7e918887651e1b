"""Reads definitions from JSON, with a pointer to every fault, and writes them."""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.workflow.domain.definitions import (
    MAX_LEVELS,
    MAX_STEPS,
    Definition,
    ExitWhen,
    criteria_of,
    triggers_of,
    walk,
)
from services.workflow.domain.errors import InvalidDefinition
from services.workflow.domain.step_ids import with_ids
from services.workflow.domain.steps import Step
from services.workflow.domain.triggers import THIS_RUN
from shared.criteria import Fault, InvalidCriterion, parse, write
from shared.pointers import deeper
from shared.validation import describe

# Names that pydantic adds to a location for the alternatives of a union; they are not members of the JSON.
_ALTERNATIVES = {
    "LabelAssigned",
    "LabelRemoved",
    "SegmentEntered",
    "SegmentLeft",
    "ContactClicked",
    "ContactEngaged",
    "ExitWhen",
    "Trigger",
    "str",
    "bool",
    "int",
    "float",
    "datetime",
    "time",
    "function-after[_in_utc(), datetime]",
}


def read_definition(body: object, previous: Definition | None = None, used_ids: Iterable[str] = ()) -> Definition:
    """Read a definition, convert criteria to the long form, and give every step an id.

    A step without an id takes the id of the same step in `previous`, the previous version; `used_ids` are the ids of
    all versions, which are never given to other steps. Raises InvalidDefinition with every fault that was found.
    """
    if not isinstance(body, dict):
        raise InvalidDefinition((Fault("", "must be an object"),))
    try:
        definition = Definition.model_validate(_without_nulls(body))
    except ValidationError as error:
        raise InvalidDefinition(tuple(_faults(error.errors(include_url=False)))) from None
    faults = [*_size_faults(definition), *_send_faults(definition), *_id_faults(definition)]
    criteria: dict[str, dict[str, Any]] = {}
    for pointer, criterion in criteria_of(definition):
        try:
            criteria[pointer] = write(parse(criterion))
        except InvalidCriterion as invalid:
            faults += [Fault(pointer + fault.pointer, fault.detail) for fault in invalid.faults]
    if faults:
        raise InvalidDefinition(tuple(faults))
    return with_ids(_with_criteria(definition, criteria), previous, used_ids)


def write_definition(definition: Definition) -> dict[str, Any]:
    """Return the definition as JSON values, in the long form, including omitted members with their defaults."""
    written: dict[str, Any] = definition.model_dump(mode="json", by_alias=True, exclude_unset=True)
    written["reentry"] = definition.reentry
    written["while_paused"] = definition.while_paused
    written["max_event_age"] = definition.max_event_age.model_dump(mode="json", exclude_none=True)
    for member in ("condition", "exit_on"):
        if not written.get(member):
            written.pop(member, None)
    return written


def _without_nulls(body: dict[str, Any]) -> dict[str, Any]:
    # JSON merge patch writes null for absent members.
    return {name: value for name, value in body.items() if value is not None or name in ("name", "triggers", "steps")}


def _faults(errors: Iterable[ErrorDetails]) -> list[Fault]:
    details: dict[str, str] = {}
    # An item with an error is left out, so its list may seem too short. Errors of items come before those of lists.
    for error in errors:
        pointer = ""
        for part in error["loc"]:
            if isinstance(part, int) or part not in _ALTERNATIVES:
                pointer = deeper(pointer, part)
        if error["type"] == "too_short" and any(other.startswith(f"{pointer}/") for other in details):
            continue
        detail = {"extra_forbidden": "unknown member", "missing": "is required"}.get(error["type"])
        details.setdefault(pointer, detail or describe(error))
    return [Fault(pointer, detail) for pointer, detail in details.items()]


def _size_faults(definition: Definition) -> list[Fault]:
    pointers = [pointer for pointer, _ in walk(definition.steps)]
    faults = (
        [Fault(pointers[MAX_STEPS], f"a workflow has at most {MAX_STEPS} steps")] if len(pointers) > MAX_STEPS else []
    )
    too_deep = [pointer for pointer in pointers if pointer.count("/") // 3 >= MAX_LEVELS]
    detail = f"steps can be nested at most {MAX_LEVELS} levels deep"
    return faults + [Fault(pointer, detail) for pointer in too_deep[:1]]


def _send_faults(definition: Definition) -> list[Fault]:
    return [
        Fault(f"{pointer}/send", "a trigger cannot refer to a message of this run, because the run has not started yet")
        for pointer, trigger in triggers_of(definition)
        if pointer.startswith("/triggers/") and getattr(trigger, "send", None) == THIS_RUN
    ]


def _id_faults(definition: Definition) -> list[Fault]:
    seen: dict[str, str] = {}
    faults: list[Fault] = []
    for pointer, step in walk(definition.steps):
        if step.id is None:
            continue
        if step.id in seen:
            faults.append(Fault(f"{pointer}/id", f"the id {step.id} is already used by {seen[step.id]}"))
        seen.setdefault(step.id, pointer)
    return faults


def _with_criteria(definition: Definition, criteria: dict[str, dict[str, Any]]) -> Definition:
    exits = tuple(
        ExitWhen(no_longer=criteria[f"/exit_on/{index}/no_longer"]) if isinstance(rule, ExitWhen) else rule
        for index, rule in enumerate(definition.exit_on)
    )
    changed: dict[str, object] = {"steps": _steps_with_criteria(definition.steps, "/steps", criteria)}
    if exits:
        changed["exit_on"] = exits
    if "/condition" in criteria:
        changed["condition"] = criteria["/condition"]
    return definition.model_copy(update=changed)


def _steps_with_criteria(
    steps: tuple[Step, ...], pointer: str, criteria: dict[str, dict[str, Any]]
) -> tuple[Step, ...]:
    changed: list[Step] = []
    for index, step in enumerate(steps):
        here = f"{pointer}/{index}"
        branches = {
            name: _steps_with_criteria(inner, f"{here}/{step.kind}/{name}", criteria) for name, inner in step.branches
        }
        update: dict[str, object] = {}
        if step.criterion is not None:
            update["criterion"] = criteria[f"{here}/{step.kind}/criterion"]
        changed.append(step.containing(branches, update))
    return tuple(changed)
