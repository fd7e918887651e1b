"""Names and aliases of labels."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.labeling.domain.errors import InvalidError
from services.labeling.domain.labels import aliases_after_rename, label_name, name_key
from services.labeling.domain.limits import MOST_ALIASES


@pytest.mark.parametrize(
    ("text", "name"),
    [("Dogs", "Dogs"), ("  Spring sale ", "Spring sale"), ("Cafe\u0301", "Café"), ("x" * 100, "x" * 100)],
)
def test_a_name_is_trimmed_and_normalised_to_nfc(text: str, name: str) -> None:
    assert label_name(text) == name


@pytest.mark.parametrize("text", ["", "   ", "x" * 101, "Dogs, Cats", "Do\ngs", "Do\0gs"])
def test_invalid_names_are_rejected(text: str) -> None:
    with pytest.raises(InvalidError):
        label_name(text)


@pytest.mark.parametrize(
    ("one", "other"), [("Dogs", "DOGS"), ("Straße", "STRASSE"), ("Café", "CAFE\u0301"), (" x", "x ")]
)
def test_equivalent_names_have_the_same_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@given(st.text(max_size=120))
def test_normalising_a_name_is_idempotent(text: str) -> None:
    try:
        name = label_name(text)
    except InvalidError:
        return
    assert label_name(name) == name
    assert unicodedata.is_normalized("NFC", name)
    assert name_key(name) == name_key(text) == name_key(name_key(text))


def test_the_old_name_becomes_an_alias() -> None:
    assert aliases_after_rename("Dogs", "Hounds", ()) == ("Dogs",)
    assert aliases_after_rename("Hounds", "Dogs", ("Dogs",)) == ("Hounds",)
    assert aliases_after_rename("Dogs", "DOGS", ("Hounds",)) == ("Hounds",)


def test_a_label_has_no_more_aliases_than_an_event_can_hold() -> None:
    names = tuple(f"Name {number}" for number in range(MOST_ALIASES))
    with pytest.raises(InvalidError, match="500 aliases"):
        aliases_after_rename("Dogs", "Hounds", names)
    assert aliases_after_rename("Dogs", "Name 0", names) == (*names[1:], "Dogs")
    assert aliases_after_rename("Dogs", "DOGS", names) == names
