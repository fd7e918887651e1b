"""Decides, immediately before handing a mail over, whether it may be sent."""

from dataclasses import dataclass
from datetime import datetime

SUBSCRIBED = "subscribed"
# Mails to confirm a subscription, or to access one's own data, are also sent to people who are not subscribed.
NEVER_SENT_TO = frozenset({"blocked", "bounced"})


@dataclass(frozen=True, slots=True)
class Recipient:
    """The present state of a contact. `email` is None for a contact without an address."""

    email: str | None
    subscription: str


def reason_to_skip(
    recipient: Recipient | None,
    *,
    is_system: bool,
    is_test: bool,
    campaign_state: str | None,
    expires_at: datetime | None,
    now: datetime,
) -> str | None:
    """Return why a mail must not be sent, or None if it may be.

    `recipient` is None for an unknown or erased contact. `campaign_state` is None for a mail that no campaign
    requested.
    """
    if expires_at is not None and expires_at <= now:
        return "expired"
    if campaign_state in ("cancelled", "failed", "deleted"):
        return f"campaign_{campaign_state}"
    if is_test:
        return None
    if recipient is None:
        return "erased"
    if recipient.email is None:
        return "no_address"
    if recipient.subscription == SUBSCRIBED or (is_system and recipient.subscription not in NEVER_SENT_TO):
        return None
    return recipient.subscription


def must_wait(campaign_state: str | None) -> bool:
    """Return whether a mail must wait because its campaign is paused."""
    return campaign_state == "paused"
