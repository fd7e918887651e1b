"""A workflow as a form: triggers, a condition and nested steps, named by their place.

`t.0.on` is the kind of the first trigger, `s.1.then.0.kind` that of the first step of the second step's first branch,
`s.1.c.…` a criterion (see `criterion_form`). Parts without fields in the form are kept as JSON.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.console.domain.criterion_draft import draft_of
from services.console.domain.criterion_form import Json, Node, criterion_of, draft_of_form, empty_draft
from services.console.domain.fields import number_of

EVENTS = ("LabelAssigned", "LabelRemoved", "SegmentEntered", "SegmentLeft", "ContactClicked", "ContactEngaged")
STEPS = (
    "send",
    "wait",
    "wait_for",
    "if",
    "split",
    "assign_label",
    "remove_label",
    "set_field",
    "exit",
)
BRANCHED = ("wait_for", "if", "split")
UNITS = ("days", "hours", "minutes")
REENTRIES = ("once", "every_time", "not_while_running")
MAX_DEPTH = 8
_TRIGGER_KEYS = ("label", "segment", "message", "link", "send", "url", "url_starts_with", "kind", "ref")
_CLICK_KEYS = ("label", "message", "url", "url_starts_with", "send", "link")


@dataclass(slots=True)
class Trigger:
    """An event that starts or ends something; `values` by the name of the field."""

    on: str = "LabelAssigned"
    values: dict[str, str] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        """Return the entered value of a field, or `default`."""
        return self.values.get(name, default)


@dataclass(slots=True)
class Step:
    """A step as it was entered; `then` and `otherwise` are its branches."""

    kind: str = "send"
    values: dict[str, str] = field(default_factory=dict)
    then: list["Step"] = field(default_factory=list)
    otherwise: list["Step"] = field(default_factory=list)
    events: list[Trigger] = field(default_factory=list)
    criterion: Node | None = None

    def get(self, name: str, default: str = "") -> str:
        """Return the entered value of a field, or `default`."""
        return self.values.get(name, default)


@dataclass(slots=True)
class WorkflowDraft:
    """A workflow as it was entered."""

    name: str = ""
    reentry: str = "once"
    while_paused: str = "queue"
    age: str = ""
    triggers: list[Trigger] = field(default_factory=list)
    exit_on: list[Trigger] = field(default_factory=list)
    condition: Node | None = None
    steps: list[Step] = field(default_factory=list)
    kept: Json = field(default_factory=dict)  # members without fields in the form
    moved: str = ""  # the place of the step that a button has just added or moved


def new_draft() -> WorkflowDraft:
    """Return a workflow to fill in."""
    return WorkflowDraft(triggers=[Trigger()], steps=[Step()])


# From the form


def workflow_of_form(values: Mapping[str, str]) -> WorkflowDraft:
    """Return the workflow in a form."""
    nested = _nested({name: value for name, value in values.items() if name.startswith(("t.", "x.", "s."))})
    kept = _parse_object(values.get("kept", "{}"))
    return WorkflowDraft(
        name=" ".join(values.get("name", "").split()),
        reentry=values.get("reentry", "once"),
        while_paused=values.get("while_paused", "queue"),
        age=values.get("age", ""),
        triggers=_triggers(nested.get("t")),
        exit_on=_triggers(nested.get("x")),
        condition=draft_of_form(values, "c"),
        steps=_steps(nested.get("s"), values, "s", 0),
        kept=kept if isinstance(kept, dict) else {},
    )


def _nested(values: Mapping[str, str]) -> Json:
    nested: Json = {}
    for name, value in values.items():
        parent = nested
        *path, last = name.split(".")
        for key in path:
            child = parent.setdefault(key, {})
            parent = child if isinstance(child, dict) else {}
        parent[last] = value
    return nested


def _parts_in_order(nested: object) -> list[Json]:
    if not isinstance(nested, dict):
        return []
    parts = {int(name): part for name, part in nested.items() if name.isdigit() and isinstance(part, dict)}
    return [parts[index] for index in sorted(parts)]


def _texts(part: Json) -> dict[str, str]:
    return {name: value for name, value in part.items() if isinstance(value, str)}


def _triggers(nested: object) -> list[Trigger]:
    triggers = []
    for part in _parts_in_order(nested):
        values = _texts(part)
        triggers.append(Trigger(values.pop("on", "LabelAssigned"), values))
    return triggers


def _steps(nested: object, values: Mapping[str, str], prefix: str, depth: int) -> list[Step]:
    if depth > MAX_DEPTH or not isinstance(nested, dict):
        return []
    indexes = sorted(int(name) for name, part in nested.items() if name.isdigit() and isinstance(part, dict))
    return [_step(nested[str(index)], values, f"{prefix}.{index}", depth) for index in indexes]


def _step(part: Json, values: Mapping[str, str], prefix: str, depth: int) -> Step:
    texts = _texts(part)
    step = Step(texts.pop("kind", "send"), texts)
    if step.kind in BRANCHED:
        step.then = _steps(part.get("then"), values, f"{prefix}.then", depth + 1)
        step.otherwise = _steps(part.get("else"), values, f"{prefix}.else", depth + 1)
    if step.kind == "wait_for":
        step.events = _triggers(part.get("on")) or [Trigger("ContactClicked", {"send": "this_run"})]
    if step.kind == "if":
        step.criterion = draft_of_form(values, f"{prefix}.c") or empty_draft()
    return step


# To a definition


def definition_of(draft: WorkflowDraft) -> Json:
    """Return the definition of a workflow, as the API accepts it."""
    body: Json = {
        **draft.kept,
        "name": draft.name,
        "triggers": [_trigger_json(one) for one in draft.triggers],
        "reentry": draft.reentry if draft.reentry in REENTRIES else "once",
        "while_paused": "skip" if draft.while_paused == "skip" else "queue",
        "steps": [_step_json(one) for one in draft.steps],
    }
    if draft.condition is not None and draft.condition.parts:
        body["condition"] = criterion_of(draft.condition).criterion
    if draft.exit_on:
        body["exit_on"] = [_trigger_json(one) for one in draft.exit_on]
    if draft.age:
        body["max_event_age"] = {"days": number_of(draft.age)}
    return body


def _trigger_json(trigger: Trigger) -> Json:
    if trigger.on == "raw":
        return _parse_object(trigger.get("json"))
    body: Json = {"on": trigger.on}
    if trigger.on in ("LabelAssigned", "LabelRemoved"):
        body["label"] = trigger.get("label")
    elif trigger.on in ("SegmentEntered", "SegmentLeft"):
        body["segment"] = trigger.get("segment")
    elif trigger.on == "ContactClicked":
        about = trigger.get("about")
        if about in _CLICK_KEYS and trigger.get(about):
            body[about] = trigger.get(about)
        elif trigger.get("send") == "this_run" and not about:
            body["send"] = "this_run"
    elif trigger.on == "ContactEngaged":
        body["kind"] = trigger.get("kind")
        if trigger.get("ref"):
            body["ref"] = trigger.get("ref")
    if trigger.get("include_existing") == "yes":
        body["include_existing"] = True
    return body


def _step_json(step: Step) -> Json:
    if step.kind == "raw":
        return _parse_object(step.get("json"))
    body = _step_body(step)
    if step.kind in BRANCHED:
        body["then"] = [_step_json(one) for one in step.then]
        body["else"] = [_step_json(one) for one in step.otherwise]
    step_json: Json = {step.kind: body}
    return {"id": step.get("id"), **step_json} if step.get("id") else step_json


def _step_body(step: Step) -> Json:
    if step.kind == "send":
        return {"message": step.get("message")}
    if step.kind in ("assign_label", "remove_label"):
        return {"label": step.get("label")}
    if step.kind == "set_field":
        return {"key": step.get("key"), "value": _field_value(step)}
    if step.kind == "wait":
        return _wait_body(step)
    if step.kind == "wait_for":
        return {
            "any": [_trigger_json(one) for one in step.events],
            "at_most": {_unit(step): number_of(step.get("amount", "3") or "3")},
        }
    if step.kind == "if":
        return {"criterion": criterion_of(step.criterion or empty_draft()).criterion}
    if step.kind == "split":
        return {"percent": number_of(step.get("percent", "50") or "50")}
    return {}


def _wait_body(step: Step) -> Json:
    if step.get("unit") == "until":
        return {"until": step.get("until")}
    body: Json = {_unit(step): number_of(step.get("amount", "1") or "1")}
    if step.get("within") == "workdays":
        body["within"] = {"weekdays": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}
    return body


def _unit(step: Step) -> str:
    return step.get("unit", "days") if step.get("unit") in UNITS else "days"


def _field_value(step: Step) -> object:
    text = step.get("value")
    if step.get("type") == "number":
        return number_of(text)
    if step.get("type") == "boolean":
        return text == "true"
    return text or None


def _parse_object(text: str) -> Json:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


# From a definition


def workflow_draft_of(definition: Json) -> WorkflowDraft:
    """Return the fields of the form for a stored definition."""
    age = definition.get("max_event_age") or {}
    return WorkflowDraft(
        name=definition["name"],
        reentry=definition.get("reentry", "once"),
        while_paused=definition.get("while_paused", "queue"),
        age=str(age["days"]) if set(age) == {"days"} else "",
        triggers=[_trigger_of(one) for one in definition.get("triggers") or []],
        exit_on=[_trigger_of(one) for one in definition.get("exit_on") or []],
        condition=draft_of(definition["condition"]) if definition.get("condition") else None,
        steps=[_step_of(one) for one in definition.get("steps") or []],
        kept={"max_event_age": age} if age and set(age) != {"days"} else {},
    )


def _trigger_of(body: Json) -> Trigger:
    values = {name: str(value) for name, value in body.items() if name in _TRIGGER_KEYS and value}
    about = next((name for name in _CLICK_KEYS if name in values), "")
    if body.get("on") == "ContactClicked" and about and values.get("send") != "this_run":
        values["about"] = about
    if body.get("include_existing"):
        values["include_existing"] = "yes"
    trigger = Trigger(str(body.get("on")), values)
    expected = {name: value for name, value in body.items() if value is not None}
    return trigger if _trigger_json(trigger) == expected else Trigger("raw", {"json": json.dumps(body)})


def _step_of(body: Json) -> Step:
    kind = next((name for name in body if name != "id"), "exit")
    inner: Any = body.get(kind) or {}
    step = Step(kind, {"id": str(body.get("id") or ""), **_step_values(kind, inner)})
    step.then = [_step_of(one) for one in inner.get("then") or []]
    step.otherwise = [_step_of(one) for one in inner.get("else") or []]
    step.events = [_trigger_of(one) for one in inner.get("any") or []]
    if kind == "if" and inner.get("criterion"):
        step.criterion = draft_of(inner["criterion"])
    is_known = kind in STEPS and _comparable(_step_json(step)) == _comparable(body)
    return step if is_known else Step("raw", {"id": str(body.get("id") or ""), "json": json.dumps(body)})


def _comparable(body: Json) -> str:
    inner = {name: value for name, value in body.items() if name != "id"}
    return json.dumps(_without_ids(inner), sort_keys=True)


def _without_ids(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {
            name: _without_ids(one)
            for name, one in value.items()
            if name != "criterion" and one is not None and not (name == "id" and "send" not in value)
        }
    return [_without_ids(one) for one in value] if isinstance(value, list) else value


def _step_values(kind: str, inner: Json) -> dict[str, str]:
    if kind in ("wait", "wait_for"):
        duration = inner if kind == "wait" else inner.get("at_most") or {}
        if duration.get("until"):
            return {"unit": "until", "until": str(duration["until"])}
        unit = next((name for name in UNITS if name in duration), "days")
        within = {"within": "workdays"} if inner.get("within") else {}
        return {"unit": unit, "amount": str(duration.get(unit, "1")), **within}
    if kind == "set_field":
        value = inner.get("value")
        value_type = "boolean" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "text"
        text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
        return {"key": str(inner.get("key", "")), "value": text, "type": value_type}
    return {name: str(value) for name, value in inner.items() if isinstance(value, str | int | float)}
