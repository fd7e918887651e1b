"""Which way a contact goes at a split: by a hash, so that it is the same in every process and after every replay."""

from hashlib import blake2b
from struct import Struct
from uuid import UUID

_CONTACT = Struct(">IQ")
_WHOLE = 1 << 64


def goes_then(percent: float, workflow_id: UUID, step_id: str, account_id: int, contact_id: int) -> bool:
    """Return True for `percent` of the contacts. A larger percentage keeps those of a smaller one."""
    subject = workflow_id.bytes + _CONTACT.pack(account_id, contact_id) + step_id.encode()
    digest = blake2b(subject, digest_size=8, person=b"penchant split").digest()
    return int.from_bytes(digest, "big") * 100 < percent * _WHOLE
