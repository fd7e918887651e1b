"""The columns of a list of contacts."""

from services.console.domain.contact_columns import columns_of

FIELDS = ["city", "language", "size", "colour"]


def test_nobody_has_chosen_yet() -> None:
    assert columns_of([], FIELDS) == ["contact.subscription", "city", "language", "size", "contact.created_at"]
    assert columns_of([], []) == ["contact.subscription", "contact.created_at"]


def test_the_order_is_that_of_the_list_not_of_the_choice() -> None:
    chosen = ["contact.changed_at", "colour", "contact.language", "language", "nothing"]
    assert columns_of(chosen, FIELDS) == ["contact.language", "language", "colour", "contact.changed_at"]


def test_no_column_can_be_chosen() -> None:
    assert columns_of([""], FIELDS) == []
