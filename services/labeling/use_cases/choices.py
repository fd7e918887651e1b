"""Contacts' own choices of labels, subscription and consent to tracking, and the data that is stored about them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.labeling.domain.accounts import Account
from services.labeling.domain.assignments import AssertLabel, RemoveLabel
from services.labeling.domain.contacts import Contact
from services.labeling.domain.errors import NotFoundError
from services.labeling.domain.labels import Label
from services.labeling.domain.suppressions import SuppressionKeys
from services.labeling.store.accounts import account_of_id
from services.labeling.store.assignments import LabelOfContact, labels_of_contact
from services.labeling.store.contacts import contact_of_id
from services.labeling.store.decisions import decisions_of_contact
from services.labeling.store.engagements import engagements_of_contact, insert_engagements
from services.labeling.store.labels import public_labels
from services.labeling.use_cases import suppressions
from services.labeling.use_cases.assignment_changes import load_assignments, record_assignments
from services.labeling.use_cases.contact_changes import load_contacts, record_contacts
from shared.events.intake import EngagementReported
from shared.events.labeling import ContactEngaged, TrackingConsent
from shared.events.parts import Origin, Send
from shared.events.topics import partition_of
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork

UNSUBSCRIBED = "message.unsubscribed"
MOST_ENTRIES = 10_000  # of decisions and of engagements in the data that a contact downloads


@dataclass(frozen=True, slots=True)
class Preferences:
    """The content of the preference page. `held` has the labels that the contact holds, held or clicked for, by id."""

    account: Account
    contact: Contact
    labels: list[Label]
    held: Mapping[UUID, LabelOfContact]


@dataclass(frozen=True, slots=True)
class Choice:
    """The decisions of a contact; None and empty sets change nothing. `wording` is the text that the contact saw."""

    chosen: Collection[UUID] = ()
    refused: Collection[UUID] = ()
    subscribed: bool | None = None
    consent: TrackingConsent | None = None
    wording: str | None = None
    message_id: UUID | None = None
    send: Send | None = None
    ref: str = "preferences"
    patch: Mapping[str, Any] = field(default_factory=dict)


async def load_preferences(database: Database, account_id: int, contact_id: int) -> Preferences:
    """Return the content of the preference page. Raises NotFoundError for a deleted account or an erased contact."""
    async with database.pool.acquire() as connection:
        account = await account_of_id(connection, account_id)
        stored = await contact_of_id(connection, account_id, contact_id)
        if account is None or account.state == "deleted":
            raise NotFoundError("account")
        if stored is None:
            raise NotFoundError("contact")
        labels = await public_labels(connection, account_id)
        held = await labels_of_contact(connection, account_id, contact_id)
    return Preferences(account, stored.contact, labels, {label.label_id: label for label in held})


async def apply_choice(
    database: Database, keys: SuppressionKeys, account_id: int, contact_id: int, choice: Choice
) -> bool:
    """Apply a contact's choice; return False if it changes nothing. Raises NotFoundError."""
    async with database.unit_of_work(partition_of(account_id, contact_id, database.partitions)) as work:
        return await apply_choice_in(work, keys, account_id, contact_id, choice)


async def apply_choice_in(
    work: UnitOfWork, keys: SuppressionKeys, account_id: int, contact_id: int, choice: Choice
) -> bool:
    """Apply a choice within a unit of work that holds the lock of the contact's partition number.

    Return False if it changes nothing. Raises NotFoundError.
    """
    key = (account_id, contact_id)
    contacts = await load_contacts(work, [key])
    before = contacts.find(key)
    if before is None:
        raise NotFoundError("contact")
    origin = Origin(kind="self", ref=choice.ref, message_id=choice.message_id)
    patch = _patch(before, choice)
    changed = bool(patch) and contacts.change(key, patch, work.now, origin, wording=choice.wording)
    if patch.get("subscription") == "subscribed" and before.email_key is not None:
        await suppressions.lift(work.connection, keys, account_id, before.email_key)
    await record_contacts(work, contacts)
    if patch.get("subscription") == "unsubscribed":
        await _report_unsubscription(work, account_id, contact_id, choice)
    return await _apply_labels(work, account_id, contact_id, choice, origin) or changed


def _patch(contact: Contact, choice: Choice) -> dict[str, Any]:
    patch = dict(choice.patch)
    if choice.subscribed and contact.subscription != "subscribed":
        patch["subscription"] = "subscribed"
    # For a blocked or bounced address an unticked box is no new decision.
    if choice.subscribed is False and contact.subscription in ("subscribed", "unconfirmed"):
        patch["subscription"] = "unsubscribed"
    if choice.consent is not None and choice.consent != contact.tracking_consent:
        patch["tracking_consent"] = choice.consent
    return patch


async def _apply_labels(work: UnitOfWork, account_id: int, contact_id: int, choice: Choice, origin: Origin) -> bool:
    if not choice.chosen and not choice.refused:
        return False
    labels = {label.id: label for label in await public_labels(work.connection, account_id)}
    affected = [label for label_id in (*choice.chosen, *choice.refused) if (label := labels.get(label_id)) is not None]
    assignments = await load_assignments(work, {(label.no, contact_id) for label in affected})
    for label in affected:
        state = assignments.states.get((label.no, contact_id))
        is_held = state is not None and state.held
        if label.id in choice.chosen and not is_held:
            assignments.apply(contact_id, label, AssertLabel(origin, work.now))
        elif label.id in choice.refused and is_held:
            assignments.apply(contact_id, label, RemoveLabel(origin, work.now))
    await record_assignments(work, assignments)
    return bool(assignments.decisions)


async def _report_unsubscription(work: UnitOfWork, account_id: int, contact_id: int, choice: Choice) -> None:
    event = ContactEngaged(
        occurred_at=work.now,
        account_id=account_id,
        contact_id=contact_id,
        kind=UNSUBSCRIBED,
        ref=choice.ref,
        message_id=choice.message_id,
        send=choice.send,
        attributes={},
    )
    await record_engagement(work, event)


async def record_engagement(work: UnitOfWork, event: ContactEngaged) -> None:
    """Record an engagement that labeling itself has observed, and append its event."""
    work.append(event)
    report = EngagementReported(
        account_id=event.account_id, contact_id=event.contact_id, kind=event.kind, occurred_at=event.occurred_at
    )
    await insert_engagements(work.connection, [(event, report)])


async def own_data(database: Database, account_id: int, contact_id: int) -> dict[str, Any]:
    """Return all stored data of a contact as JSON values, for the contact. Raises NotFoundError."""
    preferences = await load_preferences(database, account_id, contact_id)
    contact = preferences.contact
    async with database.pool.acquire() as connection:
        engagements = await engagements_of_contact(connection, account_id, contact_id, None, MOST_ENTRIES)
        decisions = await decisions_of_contact(connection, account_id, contact_id, None, MOST_ENTRIES)
    return {
        "account": preferences.account.name,
        "contact_id": contact_id,
        "email": contact.email,
        "external_id": contact.external_id,
        "fields": dict(contact.fields),
        "subscription": contact.subscription,
        "tracking_consent": contact.tracking_consent,
        "language": contact.language,
        "source": contact.source,
        "labels": [
            {
                "name": label.name,
                "held": label.held,
                "since": _iso(label.since),
                "clicks": label.clicks,
                "first_click": _iso(label.first_click),
                "last_click": _iso(label.last_click),
            }
            for label in preferences.held.values()
        ],
        "decisions": [
            {
                "at": _iso(decision.occurred_at),
                "subject": decision.subject,
                "before": decision.before,
                "after": decision.after,
                "by": decision.origin["kind"],
                "wording": decision.wording,
            }
            for decision in decisions
        ],
        "engagements": [
            {
                "at": _iso(engagement.occurred_at),
                "kind": engagement.kind,
                "ref": engagement.ref,
                "attributes": engagement.attributes,
                "data": engagement.data,
            }
            for engagement in engagements
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
