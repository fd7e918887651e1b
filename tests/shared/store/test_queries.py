"""Queries have names, and parameters that are passed by name."""

import pytest

from shared.store.queries import parse_queries


def test_parameters_are_numbered_in_the_order_in_which_they_first_occur() -> None:
    (query,) = parse_queries(
        "-- name: one\n-- Says why.\nSELECT :b::text, ':no', \"x:no\" FROM t WHERE a = :a AND b = :b AND c = ANY(:ids)"
    ).values()
    assert query.text == (
        "-- Says why.\nSELECT $1::text, ':no', \"x:no\" FROM t WHERE a = $2 AND b = $1 AND c = ANY($3)"
    )
    assert query.parameters == ("b", "a", "ids")


def test_a_missing_or_unknown_value_is_refused() -> None:
    query = parse_queries("-- name: one\nSELECT :a")["one"]
    with pytest.raises(TypeError, match="takes a"):
        query.arguments({})
    with pytest.raises(TypeError, match="not a, b"):
        query.arguments({"a": 1, "b": 2})


def test_array_slices_and_casts_are_not_parameters() -> None:
    assert parse_queries("-- name: one\nSELECT x[1:2], y::int, '{}'::jsonb")["one"].parameters == ()


def test_text_before_the_first_name_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with"):
        parse_queries("SELECT 1")


def test_two_queries_with_the_same_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two queries are named a"):
        parse_queries("-- name: a\nSELECT 1\n-- name: a\nSELECT 2")
