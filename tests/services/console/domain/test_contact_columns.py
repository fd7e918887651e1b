"""The columns of a list of contacts."""

from services.console.domain.contact_columns import columns_of

FIELDS = ["city", "language", "size", "colour"]


def test_an_empty_choice_means_the_default_columns() -> None:
    assert columns_of([], FIELDS) == ["contact.subscription", "city", "language", "size", "contact.created_at"]
    assert columns_of([], []) == ["contact.subscription", "contact.created_at"]


def test_chosen_columns_are_in_the_order_of_the_list() -> None:
    chosen = ["contact.changed_at", "colour", "contact.language", "language", "nothing"]
    assert columns_of(chosen, FIELDS) == ["contact.language", "language", "colour", "contact.changed_at"]


def test_a_choice_may_contain_no_column() -> None:
    assert columns_of([""], FIELDS) == []
