"""Validation errors of a service are shown in the language of the page, and the input is preserved."""

from collections.abc import Iterator

import pytest

from services.console.api.forms import form_of
from services.console.api.languages import language
from services.console.apis.client import ApiProblem


@pytest.fixture(params=["en", "nl"])
def code(request: pytest.FixtureRequest) -> Iterator[str]:
    token = language.set(request.param)
    yield request.param
    language.reset(token)


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("String should have at least 1 character", {"en": "Fill this in.", "nl": "Vul dit in."}),
        ("String should have at most 80 characters", {"en": "At most 80 characters.", "nl": "Hoogstens 80 tekens."}),
        (
            "List should have at least 1 item after validation, not 0",
            {"en": "Choose at least one.", "nl": "Kies er minstens een."},
        ),
        (
            "not an e-mail address: It must have an @-sign.",
            {"en": "This is not an e-mail address.", "nl": "Dit is geen e-mailadres."},
        ),
        (
            "is not an e-mail address: An email address must have an @-sign.",
            {"en": "This is not an e-mail address.", "nl": "Dit is geen e-mailadres."},
        ),
        (
            "Input should be a valid UUID, invalid length: expected length 32 for simple format, found 0",
            {"en": "Choose one.", "nl": "Kies er een."},
        ),
        ("Input should be less than or equal to 31", {"en": "At most 31.", "nl": "Hoogstens 31."}),
        ("Input should be greater than or equal to 0", {"en": "At least 0.", "nl": "Minstens 0."}),
        ("another label has this name", {"en": "another label has this name", "nl": "another label has this name"}),
    ],
)
def test_validation_errors_are_translated_and_the_input_is_preserved(
    code: str, detail: str, expected: dict[str, str]
) -> None:
    form = form_of([("name", "  typed "), ("group", "Animals")])
    form.refuse(ApiProblem("labeling", 422, {"errors": [{"pointer": "/name", "detail": detail}]}))
    assert form.error("name") == expected[code]
    assert (form.raw("name"), form["group"]) == ("  typed ", "Animals")
