"""The fast path for plain addresses gives the same result as the full check."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.addresses import AddressError, parse_address, parse_fully

LOCAL = st.text(st.sampled_from("aZ09.!#+-_'\"@ ß\u0301"), min_size=1, max_size=70)
LABEL = st.text(st.sampled_from("aZ9-ü"), min_size=1, max_size=65)
DOMAIN = st.lists(st.one_of(LABEL, st.sampled_from(["com", "test", "local", "xn--bcher-kva", "onion"])), max_size=5)


def outcome(text: str, *, full: bool) -> object:
    try:
        return (parse_fully if full else parse_address)(text)
    except AddressError:
        return None


@given(st.one_of(st.emails(), st.tuples(LOCAL, DOMAIN.map(".".join)).map("@".join), st.text(max_size=20)))
@example("a@b.c")
@example("a@b.co\n")
@example("a@b-.com")
@example("a@ab--cd.com")
@example("x" * 64 + "@example.com")
@example("x" * 65 + "@example.com")
@example("a@" + "x" * 63 + ".com")
@example("a@" + ("x" * 60 + ".") * 4 + "com")
@example("a@" + ("x" * 60 + ".") * 4 + "example")
def test_the_fast_path_agrees_with_the_full_check(text: str) -> None:
    assert outcome(text, full=False) == outcome(text, full=True)


@pytest.mark.parametrize(
    ("one", "other"), [("weiß@example.com", "weiss@example.com"), ("a@example.com", "a@example.org")]
)
def test_different_addresses_have_different_keys(one: str, other: str) -> None:
    assert parse_address(one).key != parse_address(other).key


def test_the_key_ignores_case_and_the_encoding_of_the_domain() -> None:
    assert parse_address(" Ann@BÜCHER.example").key == parse_address("ann@xn--bcher-kva.example").key
