"""Click tokens: signed texts that identify the contact, the message and the send.

A token is in inboxes for years and cannot be recalled, so the layout below never changes; a new one would be a new
version. Everything is big-endian:

    1 byte    format version (4 bits), purpose (4 bits)
    2 bytes   tag of the signing key: the start of the SHA-256 of its id
    6 bytes   how the send's id is written (2 bits), its kind (3 bits), when it was sent: Unix milliseconds (43 bits)
    4 bytes   account
    4 bytes   contact
    16 bytes  message
    0 to 40   the send's id: a UUID's 16 bytes, or UTF-8
    16 bytes  HMAC-SHA256 over all before it, truncated

and then base64url without padding: at most 119 characters. The number of the link, which follows the token in a
tracked URL, is not signed: a recipient of the message has all its links anyway.
"""

import binascii
import re
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest, digest
from struct import Struct
from typing import NamedTuple, get_args
from uuid import UUID

from shared.events.parts import Send, SendKind

LONGEST_SEND_ID = 40  # bytes
_VERSION = 1
_MAC_LENGTH = 16
_HEAD = Struct(">BHHIII16s")
_SHORTEST, _LONGEST = _HEAD.size + _MAC_LENGTH, _HEAD.size + LONGEST_SEND_ID + _MAC_LENGTH
_KINDS: tuple[SendKind | None, ...] = (None, *get_args(SendKind))
_KIND_NUMBER = {kind: number for number, kind in enumerate(_KINDS)}
_TEXT, _UUID = 0, 1
_TIME_BITS, _KIND_BITS = 43, 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SHORTEST_KEY = 16  # bytes


class Purpose(IntEnum):
    """What a token may be used for.

    A recipient's token serves clicks, opens, viewing, preferences and unsubscribing. Tokens for access and confirmation
    are mailed to the address itself: the first give access to one's own data, the second confirm a subscription. Both
    expire relative to the time in their `send`; the message of a confirmation is its request.
    """

    RECIPIENT = 1
    ACCESS = 2
    CONFIRMATION = 3


class TokenContents(NamedTuple):
    """The contents of a token. `send.sent_at` is in whole milliseconds."""

    account_id: int
    contact_id: int
    message_id: UUID
    send: Send | None = None


class NotGenuineError(ValueError):
    """The text is not a token that one of our keys has signed."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of at least 16 bytes, identified by its id."""

    id: str
    secret: bytes

    @property
    def tag(self) -> int:
        """The number that names the key in a token, from 0 to 65,535."""
        return int.from_bytes(sha256(self.id.encode()).digest()[:2], "big")


class TokenKeys:
    """The keys: the first signs, all verify."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        if not keys:
            raise ValueError("at least one signing key is required")
        self._signing = keys[0].secret
        self._signing_tag = keys[0].tag
        self._secrets = {key.tag: key.secret for key in keys}
        if len(self._secrets) < len(keys):
            raise ValueError("two signing keys have the same id, or ids with the same hash: rename one")

    @classmethod
    def parse(cls, text: str) -> "TokenKeys":
        """Return the keys of a text `id:base64,…`. A ValueError names the key that is wrong, never its secret."""
        return cls([_parse_key(item.strip()) for item in text.split(",")])

    def make(self, recipient: TokenContents, purpose: Purpose = Purpose.RECIPIENT) -> str:
        """Return the token of `recipient`. Raises ValueError if a token cannot hold its send."""
        return self.maker(recipient.account_id, recipient.message_id, recipient.send, purpose).token(
            recipient.contact_id
        )

    def maker(
        self, account_id: int, message_id: UUID, send: Send | None, purpose: Purpose = Purpose.RECIPIENT
    ) -> "TokenMaker":
        """Return a maker of tokens for the recipients of one send. Raises ValueError if a token cannot hold the
        send."""
        return TokenMaker(self._signing, self._signing_tag, (account_id, message_id, send), purpose)

    def read(self, token: bytes, purpose: Purpose = Purpose.RECIPIENT) -> TokenContents:
        """Return the contents of `token`. Raises NotGenuineError if we did not sign exactly this text for `purpose`."""
        raw = _decode(token)
        if not _SHORTEST <= len(raw) <= _LONGEST or raw[0] != _VERSION << 4 | purpose:
            raise NotGenuineError
        secret = self._secrets.get(raw[1] << 8 | raw[2])
        signed = raw[:-_MAC_LENGTH]
        if secret is None or not compare_digest(digest(secret, signed, "sha256")[:_MAC_LENGTH], raw[-_MAC_LENGTH:]):
            raise NotGenuineError
        return _contents(signed)


class TokenMaker:
    """Makes the tokens of one send of one message, one contact after another."""

    def __init__(
        self,
        secret: bytes,
        tag: int,
        message_and_send: tuple[int, UUID, Send | None],
        purpose: Purpose = Purpose.RECIPIENT,
    ) -> None:
        account_id, message_id, send = message_and_send
        self._secret = secret
        send_number, self._send_id = _write_send(send)
        self._fields = (_VERSION << 4 | purpose, tag, send_number >> 32, send_number & 0xFFFFFFFF, account_id)
        self._message = message_id.bytes

    def token(self, contact_id: int) -> str:
        """Return the token of a contact."""
        signed = _HEAD.pack(*self._fields, contact_id, self._message) + self._send_id
        raw = signed + digest(self._secret, signed, "sha256")[:_MAC_LENGTH]
        return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _write_send(send: Send | None) -> tuple[int, bytes]:
    """Return the six bytes about the send, as a number, and the bytes of its id.

    Raises ValueError if a token cannot hold it.
    """
    if send is None:
        return 0, b""
    encoding, id_bytes = _write_send_id(send.id)
    milliseconds = (send.sent_at - _EPOCH) // _MILLISECOND
    if not 0 <= milliseconds < 1 << _TIME_BITS:
        raise ValueError("sent_at must be between 1970 and 2248")
    return (encoding << _KIND_BITS | _KIND_NUMBER[send.kind]) << _TIME_BITS | milliseconds, id_bytes


def _write_send_id(send_id: str) -> tuple[int, bytes]:
    """Return how the id is written, `_UUID` or `_TEXT`, and its bytes."""
    try:
        as_uuid = UUID(send_id)
    except ValueError:
        as_uuid = None
    if as_uuid is not None and str(as_uuid) == send_id:
        return _UUID, as_uuid.bytes
    text = send_id.encode()
    if len(text) > LONGEST_SEND_ID:
        raise ValueError(f"a send's id has at most {LONGEST_SEND_ID} bytes of UTF-8")
    return _TEXT, text


def _contents(signed: bytes) -> TokenContents:
    _, _, high, low, account_id, contact_id, message = _HEAD.unpack_from(signed)
    return TokenContents(account_id, contact_id, _message_id(message), _send(high << 32 | low, signed[_HEAD.size :]))


# Cached: thousands of clicks are on the same few messages and sends.
@lru_cache(maxsize=4096)
def _message_id(raw: bytes) -> UUID:
    return UUID(bytes=raw)


@lru_cache(maxsize=4096)
def _send(send_number: int, id_bytes: bytes) -> Send | None:
    """Return the send, from the two results of `_write_send`."""
    kind = _KINDS[send_number >> _TIME_BITS & (1 << _KIND_BITS) - 1]
    if kind is None:
        return None
    is_uuid = send_number >> _TIME_BITS + _KIND_BITS == _UUID
    return Send(
        kind=kind,
        id=str(UUID(bytes=id_bytes)) if is_uuid else id_bytes.decode(),
        sent_at=_EPOCH + (send_number & (1 << _TIME_BITS) - 1) * _MILLISECOND,
    )


def _decode(token: bytes) -> bytes:
    """Return the bytes of a token. Raises NotGenuineError, also for characters that Python's decoder would ignore."""
    if len(token) > 119:
        raise NotGenuineError
    try:
        raw = b64decode(token.translate(_TO_STANDARD) + b"=" * (-len(token) % 4))
    except binascii.Error:
        raise NotGenuineError from None
    if urlsafe_b64encode(raw).rstrip(b"=") != token:
        raise NotGenuineError
    return raw


def _parse_key(item: str) -> SigningKey:
    key_id, colon, encoded = item.partition(":")
    if not colon or not _KEY_ID.fullmatch(key_id):
        raise ValueError("a signing key has the form id:base64, where id consists of letters, digits, '.', '_' and '-'")
    try:
        secret = b64decode(encoded.translate(str.maketrans("-_", "+/")) + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        raise ValueError(f"signing key {key_id}: not base64") from None
    if len(secret) < _SHORTEST_KEY:
        raise ValueError(f"signing key {key_id}: at least {_SHORTEST_KEY} bytes are required")
    return SigningKey(key_id, secret)
