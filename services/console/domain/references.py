"""Finds the ids that criteria and workflows refer to, and replaces them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

Json = dict[str, Any]
Kind = Literal["label", "field", "segment", "message", "link", "send"]


class Reference(NamedTuple):
    """A reference to a thing. `id` is the key of a field, or the id of any other thing."""

    kind: Kind
    id: str


Replace = Callable[[Reference], str]

_CRITERION_REFERENCES: Mapping[str, Mapping[str, Kind]] = {
    "label": {"id": "label", "any_of": "label"},
    "clicks": {"label": "label", "message": "message", "link": "link", "send": "send"},
    "engaged": {"message": "message", "send": "send"},
    "field": {"key": "field"},
    "top_label": {"id": "label", "among": "label"},
    "more_clicks": {"label": "label", "than": "label"},
    "segment": {"id": "segment"},
}
_TRIGGER_REFERENCES: Mapping[str, Kind] = {
    "label": "label",
    "segment": "segment",
    "message": "message",
    "link": "link",
    "send": "send",
}
_STEP_REFERENCES: Mapping[str, Mapping[str, Kind]] = {
    "send": {"message": "message"},
    "assign_label": {"label": "label"},
    "remove_label": {"label": "label"},
    "set_field": {"key": "field"},
}
_THIS_RUN = "this_run"  # a value of `send` that is not an id
_DEFINITION_MEMBERS = ("name", "triggers", "condition", "reentry", "max_event_age", "exit_on", "while_paused", "steps")


def references_of(criterion: Json) -> Iterator[Reference]:
    """Return the references of a criterion, each once, in the order of the text."""
    return _collect(lambda replace: criterion_with(criterion, replace))


def references_of_workflow(workflow: Json) -> Iterator[Reference]:
    """Return the references of a workflow, each once, in the order of the text."""
    return _collect(lambda replace: workflow_with(workflow, replace))


def _collect(rewrite: Callable[[Replace], object]) -> Iterator[Reference]:
    references: dict[Reference, None] = {}

    def collect(reference: Reference) -> str:
        references[reference] = None
        return reference.id

    rewrite(collect)
    yield from references


def criterion_with(criterion: Json, replace: Replace) -> Json:
    """Return a criterion with ids replaced by `replace`."""
    kind, body = next(iter(criterion.items()))
    if kind in ("all", "any"):
        return {kind: [criterion_with(part, replace) for part in body]}
    if kind == "not":
        return {kind: criterion_with(body, replace)}
    if kind in ("label", "segment") and isinstance(body, str):
        body = {"id": body}
    return {kind: _replace_members(body, _CRITERION_REFERENCES.get(kind, {}), replace)}


def workflow_with(workflow: Json, replace: Replace) -> Json:
    """Return the definition of a workflow with ids replaced by `replace`, without the members that the API adds."""
    definition = {name: workflow[name] for name in _DEFINITION_MEMBERS if workflow.get(name) is not None}
    for name in ("triggers", "exit_on"):
        if name in definition:
            definition[name] = [_trigger(one, replace) for one in definition[name]]
    if "condition" in definition:
        definition["condition"] = criterion_with(definition["condition"], replace)
    definition["steps"] = [_step(one, replace) for one in definition.get("steps", [])]
    return definition


def _trigger(trigger: Json, replace: Replace) -> Json:
    replaced = _replace_members(trigger, _TRIGGER_REFERENCES, replace)
    if isinstance(replaced.get("no_longer"), dict):
        replaced["no_longer"] = criterion_with(replaced["no_longer"], replace)
    return replaced


def _step(step: Json, replace: Replace) -> Json:
    return {kind: body if kind == "id" else _step_body(kind, body, replace) for kind, body in step.items()}


def _step_body(kind: str, body: object, replace: Replace) -> object:
    if not isinstance(body, dict):
        return body
    replaced = _replace_members(body, _STEP_REFERENCES.get(kind, {}), replace)
    if isinstance(replaced.get("criterion"), dict):
        replaced["criterion"] = criterion_with(replaced["criterion"], replace)
    if kind == "wait_for":
        replaced["any"] = [_trigger(one, replace) for one in replaced.get("any") or []]
    for branch in ("then", "else"):
        if branch in replaced:
            replaced[branch] = [_step(one, replace) for one in replaced[branch] or []]
    return replaced


def _replace_members(body: Json, kinds: Mapping[str, Kind], replace: Replace) -> Json:
    return {name: _replace_value(value, kinds.get(name), replace) for name, value in body.items()}


def _replace_value(value: Any, kind: Kind | None, replace: Replace) -> Any:  # noqa: ANN401 - any JSON
    if kind is None or value is None or value == _THIS_RUN:
        return value
    if isinstance(value, list):
        return [replace(Reference(kind, one)) for one in value]
    return replace(Reference(kind, value))
