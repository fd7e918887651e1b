"""One contact: its state, what a change of it may say, and the event that tells it whole."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, get_args

from services.labeling.domain.addresses import Address, email_address, external_id
from services.labeling.domain.fields import Field, merged
from services.labeling.domain.problems import InvalidError
from shared.events.labeling import ContactChanged, Scalar, Subscription, TrackingConsent

SUBSCRIPTIONS: tuple[Subscription, ...] = get_args(Subscription)
CONSENTS: tuple[TrackingConsent, ...] = get_args(TrackingConsent)
NO_FIELDS: Mapping[str, Scalar] = {}


class Contact(NamedTuple):
    """A contact's state. `email_key` is what makes its address unique (see `addresses`)."""

    external_id: str | None = None
    email: str | None = None
    email_key: str | None = None
    fields: Mapping[str, Scalar] = NO_FIELDS
    subscription: Subscription = "subscribed"
    tracking_consent: TrackingConsent = "unknown"
    source: str | None = None
    language: str | None = None


NEW = Contact()


def changed(contact: Contact, patch: Mapping[str, Any], definitions: Mapping[str, Field]) -> Contact:
    """`contact` after a merge patch: null clears, what is not named stays.

    Raises `InvalidError` with a pointer into the patch. What `patch` may name is `PATCHABLE`.
    """
    after = contact._asdict()
    for member, value in patch.items():
        try:
            after.update(_member(member, value, contact, definitions))
        except InvalidError as problem:
            raise InvalidError(problem.detail, f"/{member}{problem.pointer}") from None
    result = Contact(**after)
    if result.email is None:
        raise InvalidError("a contact needs an e-mail address", "/email")
    return result


PATCHABLE = ("external_id", "email", "fields", "subscription", "tracking_consent", "source", "language")


def _member(
    member: str,
    value: Any,  # noqa: ANN401 - as the schema took it
    contact: Contact,
    definitions: Mapping[str, Field],
) -> dict[str, Any]:
    if member == "email":
        address = None if value is None else email_address(value)
        return {"email": address and address.shown, "email_key": address and address.key}
    if member == "external_id":
        return {"external_id": None if value is None else external_id(value)}
    if member == "fields":
        return {"fields": {} if value is None else merged(contact.fields, value, definitions)}
    if member == "subscription":
        return {"subscription": _one_of(SUBSCRIPTIONS, value, NEW.subscription)}
    if member == "tracking_consent":
        return {"tracking_consent": _one_of(CONSENTS, value, NEW.tracking_consent)}
    if member in ("source", "language"):
        return {member: None if value is None else _short(value)}
    raise InvalidError("a contact has no such member")


def _one_of(known: tuple[str, ...], value: str | None, otherwise: str) -> str:
    if value is None:
        return otherwise
    if value not in known:
        raise InvalidError(f"is one of: {', '.join(known)}")
    return value


def _short(value: str) -> str | None:
    trimmed = value.strip()
    if len(trimmed) > 100:
        raise InvalidError("has at most 100 characters")
    return trimmed or None


def address_of(contact: Contact) -> Address | None:
    """The contact's address with its key."""
    if contact.email is None or contact.email_key is None:
        return None
    return Address(contact.email, contact.email_key)


def told(contact: Contact, account_id: int, contact_id: int, at: datetime) -> ContactChanged:
    """The event that tells the contact's whole state."""
    return ContactChanged(
        occurred_at=at,
        account_id=account_id,
        contact_id=contact_id,
        external_id=contact.external_id,
        email=contact.email,
        fields=dict(contact.fields),
        state="active",
        subscription=contact.subscription,
        tracking_consent=contact.tracking_consent,
        source=contact.source,
        language=contact.language,
    )


def erased(account_id: int, contact_id: int, at: datetime) -> ContactChanged:
    """The last that is told of a contact: nothing but that it is gone."""
    return ContactChanged(
        occurred_at=at,
        account_id=account_id,
        contact_id=contact_id,
        external_id=None,
        email=None,
        fields={},
        state="erased",
        subscription="blocked",
        tracking_consent="denied",
    )


# What a report says of the address weighs more than what was known, but nothing undoes the contact's own word:
# a complaint is the last word, an unsubscribing is not overruled by a bounce.
_WEIGHT: Mapping[Subscription, int] = {"unconfirmed": 0, "subscribed": 0, "bounced": 1, "unsubscribed": 2, "blocked": 3}
_REPORTED: Mapping[str, Subscription] = {
    "message.bounced": "bounced",
    "message.unsubscribed": "unsubscribed",
    "message.complained": "blocked",
}
_SOFT_BOUNCES = frozenset({"soft", "transient", "temporary"})


def subscription_after(current: Subscription, kind: str, attributes: Mapping[str, Scalar]) -> Subscription:
    """The subscription after an engagement of `kind`.

    `message.bounced` is final unless its attribute `bounce` says soft, transient or temporary. A weaker report
    never replaces a stronger one: bounced, unsubscribed, blocked.
    """
    reported = _REPORTED.get(kind)
    if reported is None or (reported == "bounced" and str(attributes.get("bounce", "")).lower() in _SOFT_BOUNCES):
        return current
    return reported if _WEIGHT[reported] > _WEIGHT[current] else current
