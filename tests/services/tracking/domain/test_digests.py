"""An address in a report finds exactly the contact that has the address in labeling."""

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from services.tracking.domain.digests import email_digest
from shared.addresses import AddressError, parse_address


@pytest.mark.parametrize("same", ["An@Example.com", " an@example.com ", "AN@EXAMPLE.COM", "\tan@example.com\n"])
def test_case_and_surrounding_spaces_are_ignored(same: str) -> None:
    assert email_digest(same) == email_digest("an@example.com")


def test_sharp_s_and_double_s_are_two_addresses() -> None:
    assert email_digest("weiß@example.com") != email_digest("weiss@example.com")


def test_a_domain_may_be_written_in_unicode_or_ascii() -> None:
    assert email_digest("an@bücher.example") == email_digest("an@xn--bcher-kva.example")


@given(st.from_regex(r"[a-zA-Z0-9._+-]{1,20}@[a-z]{1,10}\.example", fullmatch=True))
def test_an_address_and_its_key_in_labeling_have_the_same_digest(address: str) -> None:
    try:
        key = parse_address(address).key
    except AddressError:
        reject()
    assert email_digest(address) == email_digest(key)
