"""The references of a criterion, and segments that use other segments."""

from uuid import UUID

import pytest

from shared.criteria import (
    Criterion,
    Fault,
    InvalidCriterion,
    References,
    inline_segments,
    moves_with_the_day,
    parse,
    references,
    would_circle,
    write,
)

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


def segment(segment_id: UUID) -> dict[str, object]:
    return {"segment": str(segment_id)}


def test_each_reference_is_returned_once() -> None:
    found = references(
        parse(
            {
                "all": [
                    {"label": {"any_of": [str(ONE), str(TWO)]}},
                    {"clicks": {"label": str(THREE)}},
                    {"clicks": {"link": str(ONE)}},
                    {"clicks": {"url": "https://a.example"}},
                    {"engaged": {"kind": "message.sent", "message": str(TWO)}},
                    {"not": {"field": {"key": "city", "exists": True}}},
                    segment(THREE),
                ]
            }
        )
    )
    assert found == References(
        labels=frozenset({ONE, TWO, THREE}),
        messages=frozenset({TWO}),
        links=frozenset({ONE}),
        segments=frozenset({THREE}),
        fields=frozenset({"city"}),
    )


def test_nested_segments_are_inlined() -> None:
    others = {ONE: parse(segment(TWO)), TWO: parse({"clicks": {"within_days": 3}})}
    criterion = parse({"not": segment(ONE)})
    whole = inline_segments(criterion, others.get)
    assert write(whole) == write(criterion)
    assert moves_with_the_day(whole)
    assert not moves_with_the_day(criterion)


def test_a_missing_segment_is_reported_at_the_outermost_node() -> None:
    others = {ONE: parse({"all": [segment(TWO)]})}
    with pytest.raises(InvalidCriterion) as caught:
        inline_segments(parse({"any": [segment(ONE)]}), others.get)
    assert caught.value.faults == (Fault("/any/0", f"there is no segment {TWO}"),)


def test_a_cycle_of_segments_is_detected_before_it_is_created() -> None:
    others: dict[UUID, Criterion] = {ONE: parse(segment(TWO)), TWO: parse({"label": str(ONE)})}
    fault = would_circle(TWO, parse({"all": [{"clicks": {}}, segment(ONE)]}), others)
    assert fault is not None
    assert fault.pointer == "/all/1"
    assert would_circle(ONE, parse(segment(ONE)), others) is not None
    assert would_circle(THREE, parse(segment(ONE)), others) is None


def test_an_existing_cycle_of_segments_is_rejected_without_a_hang() -> None:
    others = {ONE: parse(segment(TWO)), TWO: parse(segment(ONE))}
    with pytest.raises(InvalidCriterion, match="includes itself"):
        inline_segments(parse(segment(ONE)), others.get)
    assert would_circle(THREE, parse(segment(ONE)), others) is None


def test_nested_segments_with_too_many_nodes_are_rejected() -> None:
    others = {UUID(int=number): parse({"all": [segment(UUID(int=number + 1))] * 50}) for number in range(1, 9)}
    others[UUID(int=9)] = parse({"clicks": {}})
    with pytest.raises(InvalidCriterion, match="nodes"):
        inline_segments(parse(segment(ONE)), others.get)
