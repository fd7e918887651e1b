"""Keyed hashes of the networks of clicks, from which a network can be recognised but not recovered."""

from hashlib import blake2b
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID


def network_hash(address: str | None, account_id: int, key: bytes) -> UUID | None:
    """Return the hash of the /24 (IPv4) or /48 (IPv6) of an IP address in an account; None for an invalid address."""
    if not address:
        return None
    try:
        parsed = ip_address(address.strip())
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    network = ip_network(f"{parsed}/{24 if parsed.version == 4 else 48}", strict=False)
    text = f"{account_id}:{network}".encode()
    return UUID(bytes=blake2b(text, key=key[:64], digest_size=16).digest())
