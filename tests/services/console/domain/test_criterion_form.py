"""Criteria are converted to forms and back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.domain.criterion_draft import changed, draft_of
from services.console.domain.criterion_form import Node, criterion_of, draft_of_form, empty_draft

LABEL = "01a213e4-2bc7-7710-b446-e495941a6130"

LEAVES: list[dict[str, Any]] = [
    {"label": {"id": LABEL}},
    {"label": {"id": LABEL, "within_days": 30}},
    {"label": {"any_of": [LABEL]}},
    {"clicks": {"at_least": 3}},
    {"clicks": {"label": LABEL, "exactly": 0, "older_than_days": 7}},
    {"clicks": {"url_starts_with": "https://shop.example/", "at_most": 2, "from": "2026-01-01", "to": "2026-02-01"}},
    {"engaged": {"kind": "form.submitted", "ref": "contact", "at_least": 1}},
    {"field": {"key": "city", "is": "Gent"}},
    {"field": {"key": "city", "in": ["Gent", "Brugge"]}},
    {"field": {"key": "age", "between": [18, 30]}},
    {"field": {"key": "vip", "is": True}},
    {"field": {"key": "city", "exists": False}},
    {"contact": {"language": "nl"}},
    {"contact": {"created": {"within_days": 7}}},
    {"top_label": {"id": LABEL}},
    {"more_clicks": {"label": LABEL, "than": LABEL, "times": 2}},
    {"segment": {"id": LABEL}},
    {"sample": {"percent": 10, "seed": "spring"}},
    {"not_known_yet": {"some": "thing"}},
]

criteria = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=8,
)


def fields_of(node: Node, place: str) -> dict[str, str]:
    """Return the fields that a page shows for a tree."""
    fields = {f"{place}.kind": node.kind, **{f"{place}.{name}": value for name, value in node.values.items()}}
    if node.negated:
        fields[f"{place}.not"] = "yes"
    for index, part in enumerate(node.parts):
        fields |= fields_of(part, f"{place}.{index}")
    return fields


def meaning(criterion: dict[str, Any]) -> str:
    """Return the simplified criterion, without double negations and groups of one part."""
    kind, body = next(iter(criterion.items()))
    if kind == "not":
        inner = meaning(body)
        return inner.removeprefix("not ") if inner.startswith("not ") else f"not {inner}"
    if kind in ("all", "any"):
        parts = [meaning(part) for part in body]
        return parts[0] if len(parts) == 1 else f"({f' {kind} '.join(parts)})"
    return json.dumps(criterion, sort_keys=True)


@given(criteria)
def test_a_criterion_keeps_its_meaning_when_converted_to_a_form_and_back(criterion: dict[str, Any]) -> None:
    shown = draft_of_form(fields_of(draft_of(criterion), "c"), "c")
    assert shown is not None
    built = criterion_of(shown)
    assert built.missing == {}
    assert meaning(built.criterion) == meaning(criterion)


def test_a_missing_value_is_reported_with_its_place() -> None:
    built = criterion_of(Node("all", parts=[Node("label", {"label": LABEL}), Node("any", parts=[Node("label")])]))
    assert built.missing == {"1.0": "id"}


def test_pointers_through_negations_are_mapped_to_places() -> None:
    built = criterion_of(Node("none", parts=[Node("label", {"label": LABEL}, negated=True)]))
    assert built.criterion == {"not": {"any": [{"not": {"label": {"id": LABEL}}}]}}
    assert built.places["/not/any/0"] == built.places["/not/any/0/not"] == "0"


@pytest.mark.parametrize(
    ("operation", "kinds"),
    [
        ("add:", ["clicks", "segment", "label"]),
        ("group:", ["clicks", "segment", "any"]),
        ("remove:0", ["segment"]),
        ("up:1", ["segment", "clicks"]),
        ("down:0", ["segment", "clicks"]),
        ("up:0", ["clicks", "segment"]),
        ("remove:9", ["clicks", "segment"]),
        ("nonsense", ["clicks", "segment"]),
    ],
)
def test_buttons_change_the_tree(operation: str, kinds: list[str]) -> None:
    root = Node("all", parts=[Node("clicks"), Node("segment")])
    assert [part.kind for part in changed(root, operation).parts] == kinds


def test_a_new_tree_has_one_empty_condition() -> None:
    assert [part.kind for part in empty_draft().parts] == ["label"]
