"""Criteria are evaluated on the facts about a contact."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.criteria import (
    ClickFact,
    ContactFacts,
    Criterion,
    EngagementFact,
    History,
    evaluate,
    inline_segments,
    is_true,
    parse,
)
from shared.events.envelope import ContactEvent
from shared.events.labeling import LabelAssigned, LabelRemoved
from shared.events.parts import Origin
from tests.shared.criteria.strategies import ACCOUNT, TODAY, ZONE, criteria, events_of

DOGS, CATS, MESSAGE, LINK = (UUID(int=number) for number in range(1, 5))


def click(day: str, *labels: UUID, send: str | None = None, number: int = 1) -> ClickFact:
    return ClickFact(
        date.fromisoformat(day), frozenset(labels), MESSAGE, LINK, "https://a.example/x", send=send, number=number
    )


FACTS = ContactFacts(
    labels={DOGS: date(2026, 3, 1)},
    clicked=[click("2026-03-01", DOGS), click("2026-03-30", DOGS, send="s"), click("2026-03-30", number=2)],
    engaged=[EngagementFact(date(2026, 3, 2), "form.submitted", ref="contest")],
    fields={"city": "Gent", "age": 30, "born": "1990-05-01", "vip": True, "empty": ""},
)


def truth(value: dict[str, Any], facts: ContactFacts = FACTS) -> bool:
    return evaluate(parse(value), facts, date(2026, 3, 30)).truth


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"all": []}, True),
        ({"any": []}, False),
        ({"label": str(DOGS)}, True),
        ({"label": str(CATS)}, False),
        ({"label": {"any_of": [str(CATS), str(DOGS)]}}, True),
        ({"label": {"id": str(DOGS), "within_days": 30}}, True),
        ({"label": {"id": str(DOGS), "within_days": 29}}, False),
        ({"label": {"id": str(DOGS), "older_than_days": 29}}, True),
        ({"label": {"id": str(DOGS), "older_than_days": 30}}, False),
        ({"label": {"id": str(DOGS), "from": "2026-03-01", "to": "2026-03-01"}}, True),
        ({"clicks": {"exactly": 4}}, True),
        ({"clicks": {"at_least": 0}}, True),
        ({"clicks": {"at_most": 0}}, False),
        ({"clicks": {"label": str(CATS), "exactly": 0}}, True),
        ({"clicks": {"label": str(DOGS), "exactly": 2}}, True),
        ({"clicks": {"label": str(DOGS), "within_days": 1, "exactly": 1}}, True),
        ({"clicks": {"within_days": 30, "exactly": 4}}, True),
        ({"clicks": {"within_days": 29, "exactly": 3}}, True),
        ({"clicks": {"older_than_days": 1, "exactly": 1}}, True),
        ({"clicks": {"to": "2026-03-29", "exactly": 1}}, True),
        ({"clicks": {"send": "s", "exactly": 1}}, True),
        ({"clicks": {"url": "https://a.example/", "exactly": 0}}, True),
        ({"clicks": {"url_starts_with": "https://a.example/", "exactly": 4}}, True),
        ({"clicks": {"url_starts_with": "HTTPS://", "exactly": 0}}, True),
        ({"engaged": {"kind": "form.submitted"}}, True),
        ({"engaged": {"kind": "form.submitted", "ref": "other"}}, False),
        ({"engaged": {"kind": "Form.Submitted", "exactly": 0}}, True),
        ({"field": {"key": "city", "is": "GENT"}}, True),
        ({"field": {"key": "city", "is_not": "Brugge"}}, True),
        ({"field": {"key": "town", "is": "Gent"}}, False),
        ({"field": {"key": "town", "is_not": "Gent"}}, True),
        ({"field": {"key": "town", "exists": False}}, True),
        ({"field": {"key": "empty", "exists": True}}, True),
        ({"field": {"key": "city", "in": ["a", "gent"]}}, True),
        ({"field": {"key": "city", "starts_with": "gE"}}, True),
        ({"field": {"key": "age", "is": 30.0}}, True),
        ({"field": {"key": "age", "less_than": 30}}, False),
        ({"field": {"key": "age", "between": [30, 30]}}, True),
        ({"field": {"key": "age", "between": [31, 29]}}, False),
        ({"field": {"key": "vip", "is": True}}, True),
        ({"field": {"key": "vip", "is": 1}}, False),
        ({"field": {"key": "born", "before": "1990-05-01"}}, False),
        ({"field": {"key": "born", "after": "1990-04-30"}}, True),
        ({"field": {"key": "born", "between": ["1990-05-01", "1990-05-01"]}}, True),
        ({"field": {"key": "city", "greater_than": 1}}, False),
    ],
)
def test_a_criterion_has_the_expected_truth(value: dict[str, Any], expected: bool) -> None:
    assert truth(value) is expected
    assert truth({"not": value}) is not expected


def test_text_comparison_ignores_case_and_unicode_form() -> None:
    facts = ContactFacts(fields={"city": "Cafe\u0301 STRASSE"})
    assert truth({"field": {"key": "city", "is": "caf\u00e9 straße"}}, facts)


def test_integers_too_large_for_a_float_compare_as_infinite() -> None:
    facts = ContactFacts(fields={"age": 10**400})
    assert truth({"field": {"key": "age", "greater_than": 1e308}}, facts)
    assert truth({"field": {"key": "age", "is": 10**500}}, facts)


def test_no_criterion_is_true_for_an_unknown_contact() -> None:
    assert not truth({"all": []}, ContactFacts(known=False))
    assert not truth({"not": {"label": str(DOGS)}}, ContactFacts(known=False))


def test_every_node_reports_its_truth_and_the_facts_that_it_found() -> None:
    others = {CATS: parse({"label": {"id": str(DOGS)}})}
    criterion = inline_segments(
        parse({"all": [{"clicks": {"within_days": 2}}, {"not": {"segment": str(CATS)}}]}), others.get
    )
    assert evaluate(criterion, FACTS, date(2026, 3, 30)).tree() == {
        "pointer": "",
        "kind": "all",
        "truth": False,
        "parts": [
            {
                "pointer": "/all/0",
                "kind": "clicks",
                "truth": True,
                "asked": {"at_least": 1, "within_days": 2},
                "saw": {"count": 3, "from": "2026-03-29", "to": "2026-03-30"},
            },
            {
                "pointer": "/all/1",
                "kind": "not",
                "truth": False,
                "parts": [
                    {
                        "pointer": "/all/1/not",
                        "kind": "segment",
                        "truth": True,
                        "asked": {"id": str(CATS)},
                        "parts": [
                            {
                                "pointer": "",
                                "kind": "label",
                                "truth": True,
                                "asked": {"id": str(DOGS)},
                                "saw": {"held": [{"label_id": str(DOGS), "since": "2026-03-01"}]},
                            }
                        ],
                    }
                ],
            },
        ],
    }


def test_a_segment_that_was_not_inlined_is_an_error() -> None:
    with pytest.raises(ValueError, match="inlined"):
        truth({"segment": str(CATS)})


def test_the_date_of_an_assignment_changes_only_after_a_removal() -> None:
    def held(kind: type[LabelAssigned | LabelRemoved], day: int) -> ContactEvent:
        return kind(
            occurred_at=datetime(2026, 3, day, 23, 30, tzinfo=UTC),
            account_id=1,
            contact_id=1,
            label_id=DOGS,
            label_name="Dogs",
            origin=Origin(kind="click"),
        )

    history = History(ZONE)
    for event in (held(LabelAssigned, 1), held(LabelAssigned, 5)):
        history.apply(event)
    assert history.facts().label_since(DOGS) == date(2026, 3, 2)  # half past midnight in Brussels
    for event in (held(LabelRemoved, 6), held(LabelAssigned, 29)):
        history.apply(event)
    assert history.facts().label_since(DOGS) == date(2026, 3, 30)  # summer time


@given(criteria, st.lists(events_of(st.just(ACCOUNT)), max_size=20))
def test_evaluate_and_is_true_agree_for_any_contact(criterion: Criterion, events: list[ContactEvent]) -> None:
    history = History(ZONE)
    for event in events:
        history.apply(event)
    facts = history.facts()
    facts.known = True
    assert evaluate(parse({"not": {"all": []}}), facts, TODAY).truth is False
    seen = evaluate(criterion, facts, TODAY)
    assert seen.tree()["truth"] is seen.truth
    assert is_true(criterion, facts, TODAY) is seen.truth
    facts.known = False
    assert is_true(criterion, facts, TODAY) is evaluate(criterion, facts, TODAY).truth is False
    facts.known = True
