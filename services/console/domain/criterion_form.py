"""A criterion as a form: every node is a line of fields, so that it can be built without scripts.

The fields of a node are named by its place: `c.0.1.kind` is the kind of the second part of the first part of the tree
that is named `c`. A node has a kind and values; a group (all, any, none) has parts. `draft_of_form` reads the fields,
`criterion_of` makes the criterion, `draft_of` makes fields from a criterion, and `changed` carries out a button.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.console.domain.fields import number_of

Json = dict[str, Any]

GROUPS = ("all", "any", "none")
LEAVES = (
    "label",
    "clicks",
    "engaged",
    "field",
    "contact",
    "top_label",
    "more_clicks",
    "segment",
    "sample",
    "raw",
)
COMPARISONS = ("at_least", "at_most", "exactly")
SELECTORS = ("label", "message", "link", "send", "url", "url_starts_with")
CONTACT_KEYS = ("language", "subscription", "source", "email_domain", "created")
_WITHOUT_VALUE = ("exists", "exists_not")
_NUMBER_OPERATORS = ("less_than", "greater_than")
MAX_DEPTH = 8


@dataclass(slots=True)
class Node:
    """A node as it was entered: `values` by the name of the field, `parts` of a group; `negated` inverts it."""

    kind: str = "label"
    values: dict[str, str] = field(default_factory=dict)
    parts: list["Node"] = field(default_factory=list)
    negated: bool = False

    def get(self, name: str, default: str = "") -> str:
        """Return the entered value of a field, or `default`."""
        return self.values.get(name, default)


@dataclass(slots=True)
class Built:
    """A criterion from a form; `places` maps JSON pointers into it to the places of nodes (`0.1`)."""

    criterion: Json
    places: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)  # by place: the first field that is not filled in


def empty_draft() -> Node:
    """Return a tree with one condition to fill in."""
    return Node("all", parts=[Node("label")])


# From the form


def draft_of_form(values: Mapping[str, str], prefix: str) -> Node | None:
    """Return the tree whose fields begin with `prefix`, or None."""
    nested: Json = {}
    for name, value in values.items():
        if name == prefix or name.startswith(f"{prefix}."):
            _put(nested, name.removeprefix(prefix).lstrip(".").split("."), value)
    return _node(nested, 0) if nested.get("kind") else None


def _put(nested: Json, path: list[str], value: str) -> None:
    for key in path[:-1]:
        child = nested.setdefault(key, {})
        if not isinstance(child, dict):
            return
        nested = child
    nested[path[-1]] = value


def _node(nested: Json, depth: int) -> Node:
    kind = str(nested.get("kind", ""))
    values = {name: value for name, value in nested.items() if isinstance(value, str) and name not in ("kind", "not")}
    node = Node(kind if kind in GROUPS + LEAVES else "label", values, negated=nested.get("not") == "yes")
    if node.kind in GROUPS and depth <= MAX_DEPTH:
        parts = sorted(
            ((int(name), part) for name, part in nested.items() if name.isdigit() and isinstance(part, dict))
        )
        node.parts = [_node(part, depth + 1) for _, part in parts]
    return node


# To a criterion


def criterion_of(root: Node) -> Built:
    """Return the criterion of a tree; `missing` names fields that are not filled in."""
    built = Built({})
    built.criterion = _criterion(root, "", "", built)
    return built


def _criterion(node: Node, place: str, pointer: str, built: Built) -> Json:
    negated = node.negated != (node.kind == "none")
    inner = f"{pointer}/not" if negated else pointer
    built.places[pointer] = place
    built.places[inner] = place
    if node.kind in GROUPS:
        kind = "all" if node.kind == "all" else "any"
        parts = [
            _criterion(part, _child_place(place, index), f"{inner}/{kind}/{index}", built)
            for index, part in enumerate(node.parts)
        ]
        criterion: Json = {kind: parts}
    else:
        criterion = _leaf(node, place, built)
    return {"not": criterion} if negated else criterion


def _child_place(place: str, index: int) -> str:
    return f"{place}.{index}" if place else str(index)


def _leaf(node: Node, place: str, built: Built) -> Json:
    if node.kind == "raw":
        return _raw(node, place, built)
    body = _BODIES[node.kind](node)
    for name, value in body.items():
        if value is None:
            built.missing.setdefault(place, name)
    return {node.kind: {name: value for name, value in body.items() if value is not None}}


def _raw(node: Node, place: str, built: Built) -> Json:
    try:
        criterion = json.loads(node.get("json"))
    except ValueError:
        criterion = None
    if not isinstance(criterion, dict):
        built.missing[place] = "json"
        return {"all": []}
    return criterion


def _period(node: Node) -> Json:
    kind = node.get("period")
    days = number_of(node.get("days")) if node.get("days") else None
    if kind == "within_days":
        return {"within_days": days}
    if kind == "older_than_days":
        return {"older_than_days": days}
    if kind == "between":
        bounds = {name: node.get(name) for name in ("from", "to") if node.get(name)}
        return bounds or {"from": None}
    return {}


def _count(node: Node) -> Json:
    comparison = node.get("comparison", "at_least")
    number = number_of(node.get("number", "1") or "1")
    return {comparison if comparison in COMPARISONS else "at_least": number}


def _label_body(node: Node) -> Json:
    return {"id": node.get("label") or None, **_period(node)}


def _clicks_body(node: Node) -> Json:
    selector = node.get("selector")
    chosen: Json = {}
    if selector in SELECTORS:
        chosen = {selector: node.get(selector) or None}
    return {**chosen, **_count(node), **_period(node)}


def _engaged_body(node: Node) -> Json:
    optional = {name: node.get(name) for name in ("ref", "message", "send") if node.get(name)}
    return {"kind": node.get("engagement") or None, **optional, **_count(node), **_period(node)}


def _field_body(node: Node) -> Json:
    operator, value = node.get("operator", "is"), node.get("value")
    body: Json = {"key": node.get("field") or None}
    if operator in _WITHOUT_VALUE:
        return {**body, "exists": operator == "exists"}
    if operator in ("in_next_days", "anniversary_within_days"):
        return {**body, operator: number_of(value) if value else None}
    if operator in ("within_days", "older_than_days"):
        return {**body, operator: number_of(value) if value else None}
    if operator == "in":
        values = [_parse_value(part.strip(), node) for part in value.split(",") if part.strip()]
        return {**body, "in": values or None}
    if operator == "between":
        bounds = [_parse_value(value, node), _parse_value(node.get("value_to"), node)]
        return {**body, "between": None if None in bounds else bounds}
    parsed = number_of(value) if operator in _NUMBER_OPERATORS and value else _parse_value(value, node)
    return {**body, operator: parsed}


def _parse_value(text: str, node: Node) -> object:
    """Return `text` as a value of the field's type, which the form contains; None if it is empty."""
    if text == "":
        return None
    if node.get("type") == "number":
        return number_of(text)
    if node.get("type") == "boolean":
        return text == "true"
    return text


def _contact_body(node: Node) -> Json:
    key = node.get("about", "language")
    if key == "created":
        return {"created": _period(node) or None}
    values = [part.strip() for part in node.get("value").split(",") if part.strip()]
    return {key: (values[0] if len(values) == 1 else values) or None}


def _top_label_body(node: Node) -> Json:
    return {"id": node.get("label") or None, **_period(node)}


def _more_clicks_body(node: Node) -> Json:
    times = number_of(node.get("times")) if node.get("times") else None
    body: Json = {"label": node.get("label") or None, "than": node.get("than") or None, **_period(node)}
    return {**body, "times": times} if times not in (None, 1) else body


def _segment_body(node: Node) -> Json:
    return {"id": node.get("segment") or None}


def _sample_body(node: Node) -> Json:
    percent = number_of(node.get("percent")) if node.get("percent") else None
    return {"percent": percent, "seed": node.get("seed") or "sample"}


_BODIES = {
    "label": _label_body,
    "clicks": _clicks_body,
    "engaged": _engaged_body,
    "field": _field_body,
    "contact": _contact_body,
    "top_label": _top_label_body,
    "more_clicks": _more_clicks_body,
    "segment": _segment_body,
    "sample": _sample_body,
}
