"""Converts a stored criterion to fields of a form, and carries out the buttons of that form."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from services.console.domain.criterion_form import (
    COMPARISONS,
    CONTACT_KEYS,
    SELECTORS,
    Json,
    Node,
    criterion_of,
)

_PERIODS_IN_DAYS = ("within_days", "older_than_days")


def draft_of(criterion: Json) -> Node:
    """Return the tree for a criterion of the API; nodes without fields in the form are kept as JSON."""
    root = _node(criterion)
    return root if root.kind in ("all", "any", "none") and not root.negated else Node("all", parts=[root])


def _node(criterion: Json) -> Node:
    kind, body = next(iter(criterion.items()), ("all", []))
    if kind in ("all", "any") and isinstance(body, list):
        return Node(kind, parts=[_node(part) for part in body])
    if kind == "not" and isinstance(body, dict):
        return _negated(_node(body))
    node = _leaf(kind, body)
    # Only nodes that convert back unchanged are shown as fields.
    if node is not None and _are_equal(criterion_of(node).criterion, criterion):
        return node
    return Node("raw", {"json": json.dumps(criterion)})


def _negated(node: Node) -> Node:
    if node.kind == "any" and not node.negated:
        return Node("none", parts=node.parts)
    return Node(node.kind, node.values, node.parts, negated=not node.negated)


def _are_equal(first: Json, second: Json) -> bool:
    return json.dumps(_with_defaults(first), sort_keys=True) == json.dumps(_with_defaults(second), sort_keys=True)


def _with_defaults(criterion: Json) -> Json:
    kind, body = next(iter(criterion.items()))
    if kind in ("label", "segment") and isinstance(body, str):
        return {kind: {"id": body}}
    if kind in ("clicks", "engaged") and not any(name in body for name in COMPARISONS):
        return {kind: {**body, "at_least": 1}}
    return criterion


def _leaf(kind: str, body: object) -> Node | None:
    if kind in ("label", "segment") and isinstance(body, str):
        body = {"id": body}
    if not isinstance(body, dict) or kind not in _READERS:
        return None
    values: dict[str, str] = _READERS[kind](body)
    return Node(kind, {**values, **(_period(body) if kind != "field" else {})})


def _period(body: Mapping[str, Any]) -> dict[str, str]:
    for name in _PERIODS_IN_DAYS:
        if name in body:
            return {"period": name, "days": str(body[name])}
    if "from" in body or "to" in body:
        return {"period": "between", "from": str(body.get("from") or ""), "to": str(body.get("to") or "")}
    return {}


def _count(body: Mapping[str, Any]) -> dict[str, str]:
    for name in COMPARISONS:
        if name in body:
            return {"comparison": name, "number": str(body[name])}
    return {"comparison": "at_least", "number": "1"}


def _clicks(body: Mapping[str, Any]) -> dict[str, str]:
    selector = next((name for name in SELECTORS if name in body), "")
    chosen = {"selector": selector, selector: str(body[selector])} if selector else {"selector": ""}
    return {**chosen, **_count(body)}


def _engaged(body: Mapping[str, Any]) -> dict[str, str]:
    optional = {name: str(body[name]) for name in ("ref", "message", "send") if body.get(name)}
    return {"engagement": str(body.get("kind", "")), **optional, **_count(body)}


def _field(body: Mapping[str, Any]) -> dict[str, str]:
    operator, operand = next(((name, value) for name, value in body.items() if name != "key"), ("is", ""))
    values = {"field": str(body.get("key", "")), "operator": operator}
    if operator == "exists":
        return {**values, "operator": "exists" if operand else "exists_not"}
    first = operand[0] if isinstance(operand, list) and operand else operand
    if isinstance(first, bool):
        values["type"] = "boolean"
    elif isinstance(first, int | float):
        values["type"] = "number"
    if operator == "between" and isinstance(operand, list) and len(operand) == 2:
        return {**values, "value": _text(operand[0]), "value_to": _text(operand[1])}
    if isinstance(operand, list):
        return {**values, "value": ", ".join(_text(one) for one in operand)}
    return {**values, "value": _text(operand)}


def _contact(body: Mapping[str, Any]) -> dict[str, str]:
    key = next((name for name in CONTACT_KEYS if name in body), "language")
    value = body.get(key)
    if key == "created" and isinstance(value, dict):
        return {"about": key, **_period(value)}
    return {"about": key, "value": ", ".join(value) if isinstance(value, list) else str(value or "")}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _id_of_label(body: Mapping[str, Any]) -> dict[str, str]:
    return {"label": str(body.get("id", ""))}


def _id_of_segment(body: Mapping[str, Any]) -> dict[str, str]:
    return {"segment": str(body.get("id", ""))}


def _more_clicks(body: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(body[name]) for name in ("label", "than", "times") if name in body}


def _sample(body: Mapping[str, Any]) -> dict[str, str]:
    return {"percent": str(body.get("percent", "")), "seed": str(body.get("seed", ""))}


_READERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, str]]] = {
    "label": _id_of_label,
    "top_label": _id_of_label,
    "segment": _id_of_segment,
    "clicks": _clicks,
    "engaged": _engaged,
    "field": _field,
    "contact": _contact,
    "more_clicks": _more_clicks,
    "sample": _sample,
}


# Buttons


def changed(root: Node, operation: str) -> Node:
    """Apply the operation of a button, such as `add:0.1`, `group:0`, `remove:0.1` or `up:0.1`; return the tree."""
    verb, _, place = operation.partition(":")
    path = [int(step) for step in place.split(".") if step.isdigit()]
    if verb in ("add", "group"):
        group = _node_at(root, path)
        if group is not None:
            group.parts.append(Node("label") if verb == "add" else Node("any", parts=[Node("label")]))
        return root
    if not path:
        return root
    parent, index = _node_at(root, path[:-1]), path[-1]
    if parent is None or index >= len(parent.parts):
        return root
    parts = parent.parts
    if verb == "remove":
        parts.pop(index)
    elif verb == "up" and index > 0:
        parts[index - 1], parts[index] = parts[index], parts[index - 1]
    elif verb == "down" and index + 1 < len(parts):
        parts[index + 1], parts[index] = parts[index], parts[index + 1]
    return root


def _node_at(root: Node, path: list[int]) -> Node | None:
    node = root
    for index in path:
        if index >= len(node.parts):
            return None
        node = node.parts[index]
    return node
