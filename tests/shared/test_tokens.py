"""Tokens are decoded to their contents; anything else is rejected."""

import base64
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events.parts import Send
from shared.tokens import NotGenuineError, SigningKey, TokenContents, TokenKeys

KEY = SigningKey("2026-01", b"k" * 32)
KEYS = TokenKeys([KEY])
SENT_AT = datetime(2026, 5, 1, 8, 30, 0, 123000, tzinfo=UTC)
MESSAGE = UUID("01890000-0000-7000-8000-000000000001")
RECIPIENT = TokenContents(7, 42, MESSAGE, Send(kind="campaign", id="spring", sent_at=SENT_AT))


sends = st.builds(
    Send,
    kind=st.sampled_from(["campaign", "workflow", "test", "other"]),
    id=st.one_of(
        st.text(min_size=1, max_size=40).filter(
            lambda text: len(text.encode(errors="ignore")) <= 40 and text.isprintable()
        ),
        st.uuids().map(str),
        st.uuids().map(lambda value: value.hex),
    ),
    sent_at=st.datetimes(datetime(1970, 1, 1), datetime(2248, 1, 1), timezones=st.just(UTC)).map(
        lambda value: value.replace(microsecond=value.microsecond // 1000 * 1000)
    ),
)
recipients = st.builds(
    TokenContents, st.integers(1, 2**31 - 1), st.integers(1, 2**32 - 1), st.uuids(), st.one_of(st.none(), sends)
)


@given(recipients)
def test_a_token_is_decoded_to_its_contents(recipient: TokenContents) -> None:
    token = KEYS.make(recipient)
    assert KEYS.read(token.encode()) == recipient
    assert len(token) < 120
    assert token.replace("-", "").replace("_", "").isalnum()


def test_the_longest_send_id_fits() -> None:
    send = Send(kind="other", id="x" * 40, sent_at=SENT_AT)
    token = KEYS.make(TokenContents(2**31 - 1, 2**32 - 1, MESSAGE, send))
    assert len(token) == 119
    assert KEYS.read(token.encode()).send == send


def test_the_layout_never_changes() -> None:
    # Inboxes hold tokens like this one for years. If this fails, the change needs a new format version.
    assert KEYS.make(RECIPIENT) == "Ebk9CZ3iqLO7AAAABwAAACoBiQAAAABwAIAAAAAAAAABc3ByaW5nPtzdoZ8rKO40xWw_Edxakg"


@pytest.mark.parametrize(
    "send",
    [
        Send(kind="other", id="🐕" * 11, sent_at=SENT_AT),
        Send(kind="other", id="x", sent_at=datetime(1969, 12, 31, tzinfo=UTC)),
        Send(kind="other", id="x", sent_at=datetime(9000, 1, 1, tzinfo=UTC)),
    ],
)
def test_rejects_a_send_that_does_not_fit_into_a_token(send: Send) -> None:
    with pytest.raises(ValueError, match=r"40 bytes|1970"):
        KEYS.make(TokenContents(1, 1, MESSAGE, send))


@given(st.binary(max_size=200))
def test_random_bytes_are_rejected(garbage: bytes) -> None:
    with pytest.raises(NotGenuineError):
        KEYS.read(garbage)


@given(st.binary(max_size=100).map(base64.urlsafe_b64encode).map(lambda text: text.rstrip(b"=")))
def test_random_base64_is_rejected(garbage: bytes) -> None:
    with pytest.raises(NotGenuineError):
        KEYS.read(garbage)


@given(recipients, st.data())
def test_a_token_with_one_changed_byte_is_rejected(recipient: TokenContents, data: st.DataObject) -> None:
    token = KEYS.make(recipient).encode()
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != token[place]))
    with pytest.raises(NotGenuineError):
        KEYS.read(token[:place] + bytes([other]) + token[place + 1 :])


@pytest.mark.parametrize("spelling", [b"%b=", b"%b==", b" %b", b"%b\n", b"%bA"])
def test_other_spellings_of_a_token_are_rejected(spelling: bytes) -> None:
    token = KEYS.make(RECIPIENT).encode()
    with pytest.raises(NotGenuineError):
        KEYS.read(spelling.replace(b"%b", token))


def test_a_token_is_valid_for_its_purpose_only() -> None:
    token = KEYS.make(RECIPIENT)
    with pytest.raises(NotGenuineError):
        KEYS.read(token.encode(), purpose=2)  # type: ignore[arg-type]  # no such purpose exists yet


def test_the_first_key_signs_and_all_keys_verify() -> None:
    newer = SigningKey("2026-02", b"n" * 32)
    old_token = KEYS.make(RECIPIENT)
    rotated = TokenKeys([newer, KEY])
    assert rotated.read(old_token.encode()) == RECIPIENT
    assert rotated.make(RECIPIENT) == TokenKeys([newer]).make(RECIPIENT)
    with pytest.raises(NotGenuineError):
        TokenKeys([newer]).read(old_token.encode())


def test_another_secret_with_the_same_key_id_does_not_verify() -> None:
    with pytest.raises(NotGenuineError):
        TokenKeys([SigningKey(KEY.id, b"x" * 32)]).read(KEYS.make(RECIPIENT).encode())


def test_keys_are_read_from_the_setting() -> None:
    encoded = base64.b64encode(KEY.secret).decode()
    assert TokenKeys.parse(f"2026-01:{encoded}, other:{encoded}").make(RECIPIENT) == KEYS.make(RECIPIENT)


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("", "form id:base64"),
        ("abc", "form id:base64"),
        ("a b:AAAA", "form id:base64"),
        ("a:!!!", "key a: not base64"),
        ("a:AAAA", "key a: at least 16 bytes"),
        ("a:" + "A" * 24 + ",a:" + "B" * 24, "same id"),
    ],
)
def test_invalid_keys_are_rejected_without_showing_them(setting: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as refusal:
        TokenKeys.parse(setting)
    assert "AAAA" not in str(refusal.value)


def test_makes_ten_thousand_tokens_a_second() -> None:
    maker = KEYS.maker(7, MESSAGE, Send(kind="workflow", id=str(uuid4()), sent_at=SENT_AT))
    began = time.perf_counter()
    tokens = {maker.token(contact_id) for contact_id in range(1, 10_001)}
    assert len(tokens) == 10_000
    assert timedelta(seconds=time.perf_counter() - began) < timedelta(seconds=1)
