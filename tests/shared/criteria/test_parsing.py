"""Criteria are parsed and written; each fault of an invalid criterion has a pointer."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

from shared.criteria import Criterion, InvalidCriterion, parse, write
from tests.shared.criteria.strategies import criteria, written_criteria

DOGS = str(UUID(int=1))


def faults(value: object) -> dict[str, str]:
    with pytest.raises(InvalidCriterion) as caught:
        parse(value)
    return {fault.pointer: fault.detail for fault in caught.value.faults}


def test_short_forms_are_written_in_the_long_form() -> None:
    assert write(parse({"all": [{"label": DOGS}, {"segment": DOGS}, {"clicks": {}}]})) == {
        "all": [{"label": {"id": DOGS}}, {"segment": {"id": DOGS}}, {"clicks": {"at_least": 1}}]
    }


@given(criteria)
def test_a_written_criterion_is_parsed_to_the_same_criterion(criterion: Criterion) -> None:
    assert parse(write(criterion)) == criterion


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ([], ""),
        ({}, ""),
        ({"label": DOGS, "segment": DOGS}, ""),
        ({"lable": DOGS}, "/lable"),
        ({"more_than": {}}, "/more_than"),
        ({"a/b~c": {}}, "/a~1b~0c"),
        ({"all": {}}, "/all"),
        ({"all": [{"not": {"nope": 1}}]}, "/all/0/not/nope"),
        ({"label": "dogs"}, "/label"),
        ({"label": {"id": DOGS, "any_of": [DOGS]}}, "/label"),
        ({"label": {"any_of": []}}, "/label/any_of"),
        ({"label": {"any_of": [DOGS, "x"]}}, "/label/any_of/1"),
        ({"label": {"id": DOGS, "at_least": 2}}, "/label/at_least"),
        ({"label": {"id": DOGS, "within_days": 367}}, "/label/within_days"),
        ({"label": {"id": DOGS, "within_days": 0}}, "/label/within_days"),
        ({"label": {"id": DOGS, "within_days": True}}, "/label/within_days"),
        ({"label": {"id": DOGS, "within_days": 1, "from": "2026-01-01"}}, "/label/from"),
        ({"label": {"id": DOGS, "within_days": 1, "older_than_days": 3}}, "/label/older_than_days"),
        ({"clicks": {"from": "2026-02-30"}}, "/clicks/from"),
        ({"clicks": {"from": "2026-02-02", "to": "2026-02-01"}}, "/clicks/to"),
        ({"clicks": {"label": DOGS, "send": "s"}}, "/clicks/send"),
        ({"clicks": {"send": ""}}, "/clicks/send"),
        ({"clicks": {"send": {"id": "s"}}}, "/clicks/send"),
        ({"clicks": {"at_least": -1}}, "/clicks/at_least"),
        ({"clicks": {"at_least": 1.5}}, "/clicks/at_least"),
        ({"clicks": {"at_least": 1, "at_most": 2}}, "/clicks/at_most"),
        ({"clicks": {"verdicts": ["machine"]}}, "/clicks/verdicts"),
        ({"engaged": {}}, "/engaged"),
        ({"engaged": {"kind": ""}}, "/engaged/kind"),
        ({"engaged": {"kind": "x", "label": DOGS}}, "/engaged/label"),
        ({"field": {"is": "Gent"}}, "/field"),
        ({"field": {"key": "city"}}, "/field"),
        ({"field": {"key": "city", "is": "Gent", "in": ["Gent"]}}, "/field"),
        ({"field": {"key": "city", "equals": "Gent"}}, "/field/equals"),
        ({"field": {"key": "city", "is": None}}, "/field/is"),
        ({"field": {"key": "city", "in": []}}, "/field/in"),
        ({"field": {"key": "city", "in": ["a", {}]}}, "/field/in/1"),
        ({"field": {"key": "age", "less_than": "3"}}, "/field/less_than"),
        ({"field": {"key": "age", "less_than": float("inf")}}, "/field/less_than"),
        ({"field": {"key": "age", "between": [1]}}, "/field/between"),
        ({"field": {"key": "age", "between": [1, "2026-01-01"]}}, "/field/between"),
        ({"field": {"key": "born", "before": "yesterday"}}, "/field/before"),
        ({"field": {"key": "born", "exists": "yes"}}, "/field/exists"),
        ({"field": {"key": "city", "starts_with": ""}}, "/field/starts_with"),
        ({"segment": {}}, "/segment"),
        ({"segment": {"id": 3}}, "/segment/id"),
        ({"segment": 3}, "/segment"),
    ],
)
def test_a_fault_points_to_the_invalid_node(value: object, pointer: str) -> None:
    assert pointer in faults(value)


def test_all_faults_are_reported_at_once() -> None:
    assert set(faults({"all": [{"label": "x"}, {"nope": 1}, {"clicks": {"at_least": "3"}}]})) == {
        "/all/0/label",
        "/all/1/nope",
        "/all/2/clicks/at_least",
    }


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"label": DOGS}
    for _ in range(levels - 1):
        value = {"not": value}
    return value


def test_more_than_ten_levels_are_rejected() -> None:
    assert parse(nested(10))
    assert list(faults(nested(11))) == ["/not" * 10]


def test_more_than_a_hundred_nodes_are_rejected() -> None:
    assert parse({"all": [{"label": DOGS}] * 99})
    assert list(faults({"all": [{"label": DOGS}] * 150})) == ["/all/99"]


def test_a_float_without_a_fraction_is_accepted_as_an_integer() -> None:
    assert write(parse({"clicks": {"at_least": 3.0}})) == {"clicks": {"at_least": 3}}


def test_a_count_of_zero_is_preserved() -> None:
    assert write(parse({"clicks": {"exactly": 0}})) == {"clicks": {"exactly": 0}}


@given(written_criteria)
def test_equality_of_nodes_ignores_their_pointers(value: dict[str, Any]) -> None:
    try:
        both = parse({"all": [value, value]})
    except InvalidCriterion:
        return
    first, second = both.parts  # type: ignore[union-attr]
    assert first == second
    assert hash(first) == hash(second)
    assert first.pointer != second.pointer
