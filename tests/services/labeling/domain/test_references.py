"""References to labels and fields in definitions of other services."""

from uuid import UUID

import pytest

from services.labeling.domain.references import names_field, names_label

DOGS, CATS = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    "definition",
    [
        {"label": {"id": str(DOGS)}},
        {"all": [{"not": {"clicks": {"label": str(DOGS), "at_least": 3}}}]},
        {"top_label": {"id": str(CATS), "among": [str(DOGS)]}},
        {"steps": [{"if": {"criterion": {}, "then": [{"assign_label": {"label": str(DOGS).upper()}}]}}]},
    ],
)
def test_a_label_is_found_anywhere_in_a_definition(definition: object) -> None:
    assert names_label(definition, DOGS)
    assert not names_label(definition, UUID(int=3))


def test_a_field_is_found_where_it_is_compared_or_set() -> None:
    assert names_field({"any": [{"field": {"key": "city", "is": "Gent"}}]}, "city")
    assert names_field({"steps": [{"set_field": {"key": "city", "value": 1}}]}, "city")
    assert not names_field({"field": {"key": "age", "is": "city"}}, "city")
