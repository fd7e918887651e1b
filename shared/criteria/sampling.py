"""Samples of contacts: the same for the same seed, in every process and service.

The number of a contact is a keyed hash of its id: two rounds of the finalizer of SplitMix64 (Steele, Lea and Flood,
"Fast splittable pseudorandom number generators", 2014), keyed by BLAKE2b of the seed. It is plain arithmetic on 64-bit
integers, so an implementation for arrays gives the same numbers.
"""

from functools import lru_cache
from hashlib import blake2b

MASK = (1 << 64) - 1
INCREMENT = 0x9E3779B97F4A7C15
FIRST_FACTOR = 0xBF58476D1CE4E5B9
SECOND_FACTOR = 0x94D049BB133111EB


@lru_cache(maxsize=1000)
def keys_of(seed: str) -> tuple[int, int]:
    """Return the two 64-bit keys that a seed stands for."""
    digest = blake2b(seed.encode("utf-8", "surrogatepass"), digest_size=16, person=b"penchant-sample").digest()
    return int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big")


def threshold(percent: float) -> int:
    """Return the number below which a contact's number must be: 2 ** 64 stands for 100 percent."""
    return int(percent * 10**6) * (1 << 64) // (100 * 10**6)


def _finalize(value: int) -> int:
    value = (value + INCREMENT) & MASK
    value = ((value ^ value >> 30) * FIRST_FACTOR) & MASK
    value = ((value ^ value >> 27) * SECOND_FACTOR) & MASK
    return value ^ value >> 31


def number_of(seed: str, contact_id: int) -> int:
    """Return the contact's number for a seed, from 0 to 2 ** 64 - 1."""
    first, second = keys_of(seed)
    return _finalize(_finalize(contact_id ^ first) ^ second)


def sampled(seed: str, percent: float, contact_id: int) -> bool:
    """Return whether the contact is in the sample of that seed."""
    return number_of(seed, contact_id) < threshold(percent)
