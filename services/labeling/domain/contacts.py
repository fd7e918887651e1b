"""The state of a contact, and the rules for its changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, get_args

from services.labeling.domain.addresses import email_address, external_id
from services.labeling.domain.directory import Key
from services.labeling.domain.errors import InvalidError
from services.labeling.domain.fields import Field, merged
from shared.events.labeling import Scalar, Subscription, TrackingConsent

SUBSCRIPTIONS: tuple[Subscription, ...] = get_args(Subscription)
SELF = "self"
CONSENTS: tuple[TrackingConsent, ...] = get_args(TrackingConsent)
NO_FIELDS: Mapping[str, Scalar] = {}


class Contact(NamedTuple):
    """A contact's state.

    `email_key` identifies its address (see `addresses`). `subscription_by` and `consent_by` are the kinds of the
    origins that last decided on them; None if unknown. `created_at` is None only before the contact is created.
    """

    external_id: str | None = None
    email: str | None = None
    email_key: str | None = None
    fields: Mapping[str, Scalar] = NO_FIELDS
    subscription: Subscription = "subscribed"
    tracking_consent: TrackingConsent = "unknown"
    source: str | None = None
    language: str | None = None
    subscription_by: str | None = None
    consent_by: str | None = None
    created_at: datetime | None = None


NEW = Contact()


def changed(contact: Contact, patch: Mapping[str, Any], definitions: Mapping[str, Field], by: str = "api") -> Contact:
    """Return the contact after a JSON merge patch: null clears a member, absent members stay unchanged.

    `by` is the kind of the origin. Only the origin `self` overwrites the contact's own decisions on subscription and
    consent: from other origins, such a member is ignored. Raises InvalidError with a pointer into the patch.
    """
    after = contact._asdict()
    for member, value in patch.items():
        try:
            after.update(_parsed_member(member, value, contact, definitions))
        except InvalidError as error:
            raise InvalidError(error.detail, f"/{member}{error.pointer}") from None
    result = _with_own_decisions(contact, Contact(**after), by)
    if result.email is None:
        raise InvalidError("a contact needs an e-mail address", "/email")
    return result


def _with_own_decisions(before: Contact, after: Contact, by: str) -> Contact:
    """Return `after` with the decisions in `before` that an origin of the kind `by` may not change."""
    if after.subscription != before.subscription:
        allowed = may_change_subscription(before, after.subscription, by)
        subscription, origin = (after.subscription, by) if allowed else (before.subscription, before.subscription_by)
        after = after._replace(subscription=subscription, subscription_by=origin)
    if after.tracking_consent != before.tracking_consent:
        allowed = by == SELF or before.consent_by != SELF or after.tracking_consent == "denied"
        consent, origin = (after.tracking_consent, by) if allowed else (before.tracking_consent, before.consent_by)
        after = after._replace(tracking_consent=consent, consent_by=origin)
    return after


def attributed(before: Contact, after: Contact, by: str) -> Contact:
    """Return `after` with `by` as the origin of its changes to subscription and consent."""
    if after.subscription != before.subscription:
        after = after._replace(subscription_by=by)
    if after.tracking_consent != before.tracking_consent:
        after = after._replace(consent_by=by)
    return after


def may_change_subscription(contact: Contact, requested: Subscription, by: str) -> bool:
    """Return whether an origin of the kind `by` may change the contact's subscription to `requested`.

    Only the contact, or a stronger state, can change `bounced`, `blocked`, and an unsubscription by the contact.
    """
    is_final = contact.subscription in ("bounced", "blocked") or (
        contact.subscription == "unsubscribed" and contact.subscription_by in (None, SELF)
    )
    return by == SELF or not is_final or _WEIGHT[requested] > _WEIGHT[contact.subscription]


def _parsed_member(
    member: str,
    value: Any,  # noqa: ANN401 - any JSON that the schema accepts
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
        return {member: None if value is None else _short_text(value)}
    raise InvalidError("a contact has no such member")


def _one_of(known: tuple[str, ...], value: str | None, default: str) -> str:
    if value is None:
        return default
    if value not in known:
        raise InvalidError(f"must be one of: {', '.join(known)}")
    return value


def _short_text(value: str) -> str | None:
    trimmed = value.strip()
    if len(trimmed) > 100:
        raise InvalidError("must have at most 100 characters")
    return trimmed or None


# A report replaces only a weaker state: a bounce never overrides an unsubscription, and nothing overrides a complaint.
_WEIGHT: Mapping[Subscription, int] = {"unconfirmed": 0, "subscribed": 0, "bounced": 1, "unsubscribed": 2, "blocked": 3}
_REPORTED: Mapping[str, Subscription] = {
    "message.bounced": "bounced",
    "message.unsubscribed": "unsubscribed",
    "message.complained": "blocked",
}
_SOFT_BOUNCES = frozenset({"soft", "transient", "temporary"})


def subscription_after(current: Subscription, kind: str, attributes: Mapping[str, Scalar]) -> Subscription:
    """Return the subscription after an engagement of `kind`.

    `message.bounced` is final unless its attribute `bounce` says soft, transient or temporary. A weaker report
    never replaces a stronger one: bounced, unsubscribed, blocked.
    """
    reported = _REPORTED.get(kind)
    if reported is None or (reported == "bounced" and str(attributes.get("bounce", "")).lower() in _SOFT_BOUNCES):
        return current
    return reported if _WEIGHT[reported] > _WEIGHT[current] else current


def keys_of(contact: Contact | None) -> tuple[Key, ...]:
    """Return the directory keys of a contact: external id and address."""
    if contact is None:
        return ()
    keys: list[Key] = []
    if contact.external_id is not None:
        keys.append(("external", contact.external_id))
    if contact.email_key is not None:
        keys.append(("email", contact.email_key))
    return tuple(keys)
