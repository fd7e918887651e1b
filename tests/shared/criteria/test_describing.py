"""Criteria are described in English and Dutch sentences."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

from shared.criteria import Criterion, parse
from shared.criteria.describing import Language, describe
from tests.shared.criteria.strategies import criteria

DOGS, CATS = UUID(int=1), UUID(int=2)
NAMES = {DOGS: "Dogs", CATS: "Cats"}


class ExampleNames:
    """The names of the objects in these examples."""

    def label(self, label_id: UUID) -> str:
        return NAMES.get(label_id, "a label")

    def segment(self, segment_id: UUID) -> str:
        return "Loyal"

    def message(self, message_id: UUID) -> str:
        return "Spring"

    def link(self, link_id: UUID) -> str:
        return "Puppy food"

    def field(self, key: str) -> str:
        return key


@pytest.mark.parametrize(
    ("criterion", "english", "dutch"),
    [
        ({"all": []}, "All contacts.", "Alle contacten."),
        (
            {"clicks": {"label": str(DOGS), "at_least": 3, "within_days": 30}},
            "Contacts who clicked at least 3 times on links with the label “Dogs” in the last 30 days.",
            "Contacten die in de laatste 30 dagen minstens 3 keer op links met het label “Dogs” hebben geklikt.",
        ),
        (
            {"all": [{"label": str(DOGS)}, {"not": {"label": str(CATS)}}, {"field": {"key": "city", "is": "Gent"}}]},
            "Contacts who hold the label “Dogs”, who do not hold the label “Cats” and whose city is “Gent”.",
            "Contacten die het label “Dogs” hebben, die het label “Cats” niet hebben en van wie city “Gent” is.",
        ),
        (
            {"any": [{"segment": str(CATS)}, {"clicks": {"exactly": 0}}]},
            "Contacts either who are in the segment “Loyal” or who did not click on any link.",
            "Contacten ofwel die in het segment “Loyal” zitten of die niet op een link hebben geklikt.",
        ),
        (
            {"engaged": {"kind": "form.submitted", "ref": "contest", "from": "2026-03-01"}},
            "Contacts who submitted a form “contest” from March 1, 2026 on.",
            "Contacten die vanaf 1 maart 2026 een formulier “contest” hebben ingevuld.",
        ),
        (
            {"more_clicks": {"label": str(CATS), "than": str(DOGS), "times": 2, "within_days": 90}},
            "Contacts who clicked at least 2 times as much on “Cats” as on “Dogs” in the last 90 days.",
            "Contacten die in de laatste 90 dagen minstens 2 keer zo vaak op “Cats” als op “Dogs” hebben geklikt.",
        ),
        (
            {"field": {"key": "born", "anniversary_within_days": 7}},
            "Contacts whose born has an anniversary in the next 7 days.",
            "Contacten van wie born in de volgende 7 dagen verjaart.",
        ),
        (
            {"engaged": {"kind": "message.sent", "message": str(DOGS), "exactly": 0}},
            "Contacts who were not sent the message “Spring”.",
            "Contacten aan wie het bericht “Spring” niet is verstuurd.",
        ),
        (
            {"engaged": {"kind": "page.visited", "at_most": 1, "within_days": 1}},
            "Contacts who visited a page at most once today.",
            "Contacten die vandaag hoogstens 1 keer een pagina hebben bezocht.",
        ),
        (
            {"not": {"contact": {"subscription": ["unsubscribed", "blocked"]}}},
            "Contacts whose subscription is not unsubscribed or blocked.",
            "Contacten van wie de inschrijving niet uitgeschreven of geblokkeerd is.",
        ),
        (
            {"contact": {"language": ["nl", "fr"]}},
            "Contacts whose language is nl or fr.",
            "Contacten van wie de taal nl of fr is.",
        ),
    ],
)
def test_a_criterion_is_described_in_english_and_dutch(criterion: dict[str, Any], english: str, dutch: str) -> None:
    assert describe(parse(criterion), "en", ExampleNames()) == english
    assert describe(parse(criterion), "nl", ExampleNames()) == dutch


@pytest.mark.parametrize(
    ("number", "english", "dutch"),
    [
        (1234.5678, "1,234.5678", "1.234,5678"),
        (0.00001, "0.00001", "0,00001"),
        (1e-9, "1E-9", "1E-9"),
        (10**400, "1E400", "1E400"),
        (-(10**30), "-1E30", "-1E30"),
        (1.5e300, "1.5E300", "1,5E300"),
        (0, "0", "0"),
    ],
)
def test_numbers_are_written_with_all_significant_digits(number: float, english: str, dutch: str) -> None:
    criterion = parse({"field": {"key": "price", "is": number}})
    assert describe(criterion, "en", ExampleNames()) == f"Contacts whose price is {english}."
    assert describe(criterion, "nl", ExampleNames()) == f"Contacten van wie price {dutch} is."


@given(criteria)
def test_every_criterion_can_be_described(criterion: Criterion) -> None:
    languages: tuple[Language, ...] = ("en", "nl")
    for language in languages:
        sentence = describe(criterion, language, ExampleNames())
        assert sentence.endswith(".")
        assert "{" not in sentence
