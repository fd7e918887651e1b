"""Whether a mail may be sent, what it contains, and what a mail server's answer means."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.domain.composing import Content, Sender, compose, message_id
from services.delivery.domain.outcomes import FIRST_RETRY, LONGEST_RETRY, Refusal, retry_after
from services.delivery.domain.permission import Recipient, reason_to_skip
from services.delivery.domain.system_mails import LANGUAGES, Brand, system_content

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP = Sender("Paws & Co, Gent", "news@shop.example", "help@shop.example")


def _reason(
    recipient: Recipient | None, *, is_system: bool = False, is_test: bool = False, campaign: str | None = None
) -> str | None:
    return reason_to_skip(
        recipient, is_system=is_system, is_test=is_test, campaign_state=campaign, expires_at=None, now=NOON
    )


@pytest.mark.parametrize("subscription", ["unconfirmed", "unsubscribed", "bounced", "blocked", "something_new"])
def test_contacts_that_are_not_subscribed_are_skipped(subscription: str) -> None:
    assert _reason(Recipient("an@example.com", "subscribed")) is None
    assert _reason(Recipient("an@example.com", subscription)) == subscription


def test_unknown_contacts_and_contacts_without_an_address_are_skipped() -> None:
    assert _reason(None) == "erased"
    assert _reason(Recipient(None, "subscribed")) == "no_address"


def test_a_confirmation_is_sent_if_unconfirmed_but_not_if_blocked_or_bounced() -> None:
    assert _reason(Recipient("an@example.com", "unconfirmed"), is_system=True) is None
    for suppressed in ("blocked", "bounced"):
        assert _reason(Recipient("an@example.com", suppressed), is_system=True) == suppressed


@pytest.mark.parametrize("state", ["cancelled", "failed", "deleted"])
def test_mails_of_a_cancelled_failed_or_deleted_campaign_are_skipped(state: str) -> None:
    assert _reason(Recipient("an@example.com", "subscribed"), campaign=state) == f"campaign_{state}"
    assert _reason(Recipient("an@example.com", "subscribed"), campaign="sending") is None


def test_an_expired_request_is_skipped_even_if_it_is_a_test() -> None:
    expired = {"is_system": False, "campaign_state": None, "now": NOON}
    recipient = Recipient("an@example.com", "subscribed")
    assert reason_to_skip(recipient, is_test=True, expires_at=NOON, **expired) == "expired"  # type: ignore[arg-type]
    later = NOON + timedelta(seconds=1)
    assert reason_to_skip(recipient, is_test=False, expires_at=later, **expired) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "text", "ending"),
    [
        (550, "5.1.1 <an@example.com>: no such user", "bounced"),
        (550, "Requested action not taken (5.1.10)", "bounced"),
        (550, "5.7.1 looks like spam", "refused"),
        (550, "15.1.1 is no enhanced code", "refused"),
        (554, "go away", "refused"),
    ],
)
def test_only_a_nonexistent_address_is_a_bounce(code: int, text: str, ending: str) -> None:
    refusal = Refusal(code, text)
    assert refusal.is_permanent
    assert refusal.ending == ending


def test_a_refusal_with_a_4xx_code_is_temporary() -> None:
    assert not Refusal(451, "4.7.1 greylisted").is_permanent


@given(st.integers(1, 1000), st.floats(0, 0.999))
def test_retry_delays_grow_with_attempts_and_stay_within_limits(attempts: int, jitter: float) -> None:
    delay = retry_after(attempts, jitter)
    assert FIRST_RETRY / 2 <= delay <= LONGEST_RETRY
    assert retry_after(attempts, 0) <= delay <= retry_after(attempts + 1, 0.999)


def _composed(unsubscribe: str | None = "https://click.example/u/TOKEN") -> EmailMessage:
    content = Content("Spring\r\nBcc: x@evil.example", "Hello, Ånna", "<p>Hello, Ånna</p>")
    mail = compose(
        "an@example.com", SHOP, content, idempotency_key="run:1:guide", now=NOON, unsubscribe_url=unsubscribe
    )
    return message_from_bytes(bytes(mail), policy=default)


def test_a_mail_has_the_headers_and_parts_that_mailbox_providers_require() -> None:
    mail = _composed()
    assert mail["From"] == '"Paws & Co, Gent" <news@shop.example>'
    assert mail["Reply-To"] == "help@shop.example"
    assert mail["List-Unsubscribe"] == "<https://click.example/u/TOKEN>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Message-ID"] == message_id("run:1:guide", "shop.example")
    text, html = mail.iter_parts()
    assert cast("EmailMessage", text).get_content().strip() == "Hello, Ånna"
    assert cast("EmailMessage", html).get_content().strip() == "<p>Hello, Ånna</p>"


def test_a_subject_cannot_add_headers() -> None:
    mail = _composed()
    assert mail["Subject"] == "Spring Bcc: x@evil.example"
    assert mail["Bcc"] is None


def test_the_message_id_is_derived_from_the_idempotency_key() -> None:
    assert message_id("a", "shop.example") == message_id("a", "shop.example")
    assert message_id("a", "shop.example") != message_id("b", "shop.example")


@pytest.mark.parametrize("kind", ["confirm_subscription", "preference_access"])
@pytest.mark.parametrize("language", [*LANGUAGES, "nl-BE", "xx"])
def test_system_mails_contain_the_account_name_and_the_link(kind: str, language: str) -> None:
    url, brand = "https://shop.example/f/confirm/x?a=1&b=2", Brand("Paws & Co")
    content = system_content(kind, url, brand, (language,))
    assert "Paws & Co" in content.subject
    assert url in content.text
    assert content.html is not None
    assert 'href="https://shop.example/f/confirm/x?a=1&amp;b=2"' in content.html
    assert "{" not in content.html
    english = system_content(kind, url, brand, ("en",))
    assert (content == english) == (language in ("en", "xx"))


def test_system_mails_use_the_brand_except_for_unsafe_values() -> None:
    brand = Brand("Paws", "https://shop.example/logo.png", "#3b6e47", "Kouter 1, 9000 Gent")
    content = system_content("confirm_subscription", "https://shop.example/x", brand, ("nl",))
    assert content.html is not None
    assert 'src="https://shop.example/logo.png"' in content.html
    assert "background:#3b6e47" in content.html
    assert content.text.endswith("Paws, Kouter 1, 9000 Gent")
    unsafe = Brand("<b>", "javascript:alert(1)", "red;} body{")
    content = system_content("confirm_subscription", "https://shop.example/x", unsafe, ())
    assert content.html is not None
    assert not any(text in content.html for text in ("<b>", "javascript", "red;}"))
