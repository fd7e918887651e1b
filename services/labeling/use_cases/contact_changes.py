"""Load the contacts that a unit of work may change, and write the changes with their events."""

from collections.abc import Collection, Iterator
from datetime import datetime

from services.labeling.domain.contact_changes import ContactChange, ContactChanges, ContactKey
from services.labeling.domain.contacts import Contact
from services.labeling.store.contacts import contacts_of, write_contacts
from services.labeling.store.decisions import ConsentDecision, insert_decisions
from services.labeling.store.fields import fields_of_accounts
from shared.bus.received import Received
from shared.events.labeling import ContactChanged
from shared.store.unit_of_work import UnitOfWork
from shared.yielding import yielding

Changes = ContactChanges[Received]


async def load_contacts(work: UnitOfWork, contacts: Collection[ContactKey]) -> Changes:
    """Load contacts and the fields of their accounts, under the lock of their partition numbers."""
    if not contacts:
        return ContactChanges({}, {})
    stored = await contacts_of(work.connection, contacts)
    definitions = await fields_of_accounts(work.connection, {account_id for account_id, _ in contacts})
    return ContactChanges(stored, definitions)


async def record_contacts(work: UnitOfWork, changes: Changes) -> None:
    """Write the contacts that changed, and append an event for every change.

    Call this before the unit of work appends events of labels and engagements: their readers then know the contact's
    current state.
    """
    async for change in yielding(changes.changes):
        work.append(_contact_changed(change.contact, *change.key, change.at), cause=change.cause, personal=True)
    await write_contacts(work.connection, changes.changed, work.now)
    await insert_decisions(work.connection, [decision for change in changes.changes for decision in _decisions(change)])


def _decisions(change: ContactChange[Received]) -> Iterator[ConsentDecision]:
    key, before, after, at, origin, wording, _ = change
    for subject in ("subscription", "tracking_consent"):
        old = None if before is None else getattr(before, subject)
        new = getattr(after, subject)
        # A new contact without a decision needs no row.
        if new != old and not (old is None and new == "unknown"):
            yield ConsentDecision(*key, at, subject, old, new, origin, wording)


def _contact_changed(contact: Contact, account_id: int, contact_id: int, at: datetime) -> ContactChanged:
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
        created_at=contact.created_at,
    )
