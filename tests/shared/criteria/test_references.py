"""The references of a criterion; segments within segments."""

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


def segment(named: UUID) -> dict[str, object]:
    return {"segment": str(named)}


def test_names_everything_once() -> None:
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


def test_segments_are_inlined_as_deep_as_they_go() -> None:
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


def test_circles_are_found_before_they_are_made() -> None:
    others: dict[UUID, Criterion] = {ONE: parse(segment(TWO)), TWO: parse({"label": str(ONE)})}
    fault = would_circle(TWO, parse({"all": [{"clicks": {}}, segment(ONE)]}), others)
    assert fault is not None
    assert fault.pointer == "/all/1"
    assert would_circle(ONE, parse(segment(ONE)), others) is not None
    assert would_circle(THREE, parse(segment(ONE)), others) is None


def test_a_circle_that_exists_is_refused_and_does_not_hang() -> None:
    others = {ONE: parse(segment(TWO)), TWO: parse(segment(ONE))}
    with pytest.raises(InvalidCriterion, match="comes back to itself"):
        inline_segments(parse(segment(ONE)), others.get)
    assert would_circle(THREE, parse(segment(ONE)), others) is None


def test_segments_of_segments_do_not_grow_without_end() -> None:
    others = {UUID(int=number): parse({"all": [segment(UUID(int=number + 1))] * 50}) for number in range(1, 9)}
    others[UUID(int=9)] = parse({"clicks": {}})
    with pytest.raises(InvalidCriterion, match="nodes"):
        inline_segments(parse(segment(ONE)), others.get)
