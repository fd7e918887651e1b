"""Addresses and external ids are validated, and equivalent addresses are equal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.labeling.domain.addresses import email_address, external_id
from services.labeling.domain.errors import InvalidError


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@Example.com", "ann@example.COM"),
        (" ann@example.com ", "ann@example.com"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@BÜCHER.example", "ANN@bücher.example"),
        ("jose\u0301@example.com", "JOSÉ@example.com"),
    ],
)
def test_equivalent_addresses_have_the_same_key(one: str, other: str) -> None:
    assert email_address(one).key == email_address(other).key


def test_different_addresses_have_different_keys() -> None:
    assert email_address("ann@example.com").key != email_address("ann@example.org").key
    assert email_address("ann+news@example.com").key != email_address("ann@example.com").key


def test_a_shown_address_keeps_the_case_of_its_local_part() -> None:
    assert email_address(" Ann.Lee@Example.com").shown == "Ann.Lee@example.com"


@pytest.mark.parametrize("text", ["", "ann", "ann@", "@example.com", "ann@@example.com", "a@b..c", "a b@c.example"])
def test_rejects_text_that_is_not_an_address(text: str) -> None:
    with pytest.raises(InvalidError):
        email_address(text)


@given(st.emails())
def test_the_shown_address_has_the_same_key(text: str) -> None:
    try:
        address = email_address(text)
    except InvalidError:
        return
    assert email_address(address.shown).key == address.key


@pytest.mark.parametrize("text", ["", " ", "x" * 201, "a\nb"])
def test_rejects_text_that_is_not_an_external_id(text: str) -> None:
    with pytest.raises(InvalidError):
        external_id(text)
