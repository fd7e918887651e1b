"""The network of an IP address is identified by a keyed hash."""

import pytest

from services.tracking.domain.networks import network_hash

KEY = b"k" * 72


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.200", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8:1::1", "2001:db8:1:ffff::2", True),
        ("2001:db8:1::1", "2001:db8:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.9", True),
    ],
)
def test_only_addresses_of_the_same_network_have_the_same_hash(one: str, other: str, same: bool) -> None:
    assert (network_hash(one, 1, KEY) == network_hash(other, 1, KEY)) is same


def test_hashes_differ_by_account_and_by_key() -> None:
    assert (
        len({network_hash("192.0.2.1", 1, KEY), network_hash("192.0.2.1", 2, KEY), network_hash("192.0.2.1", 1, b"x")})
        == 3
    )


@pytest.mark.parametrize("address", [None, "", "unknown", "192.0.2.999", "192.0.2.1%eth0"])
def test_an_invalid_address_has_no_hash(address: str | None) -> None:
    assert network_hash(address, 1, KEY) is None
