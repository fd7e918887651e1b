"""Learns of contacts (topic labeling.contacts), and forgets those that are erased."""

from collections.abc import Sequence

from services.tracking.consumers.memory import count_left_out
from services.tracking.domain.digests import email_digest, external_digest
from services.tracking.domain.intake import ContactReference
from services.tracking.store.contacts import (
    ContactKey,
    ToldContact,
    count_contact_news,
    drop_held_that_name,
    forget_clicks,
    keys_waited_for,
    names_of_contacts,
    write_contacts,
)
from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.events.codec import Tombstone
from shared.events.labeling import ContactChanged
from shared.http.idempotency import blank_answers
from shared.store.unit_of_work import UnitOfWork


class ContactHandler(Handler):
    """Keeps tracking's own table of contacts; releases the clicks that waited for one of them."""

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Applies what was told last of each contact."""
        newest = {(contact.account_id, contact.contact_id): contact for contact in map(told_contact, batch)}
        told = list(newest.values())
        await self._forget(work, batch, {key for key, contact in newest.items() if contact.state == "erased"})
        await write_contacts(work.connection, told)
        await count_contact_news(work.connection, batch[0].partition)
        if waited_for := set(await keys_waited_for(work.connection)):
            await work.release([key for contact in told for key in keys_of(contact) if key in waited_for])

    async def _forget(self, work: UnitOfWork, batch: Sequence[Received], erased: set[ContactKey]) -> None:
        """Clicks keep nothing that leads to a person; reports that name one, and answers that may, go."""
        if not erased:
            return
        await forget_clicks(work.connection, erased)
        references = {ContactReference("contact", *key) for key in erased}
        references |= await names_of_contacts(work.connection, erased)
        references |= {
            reference
            for contact in map(told_contact, batch)
            if (contact.account_id, contact.contact_id) in erased
            for reference in references_to(contact)
        }
        dropped = await drop_held_that_name(work.connection, references)
        count_left_out(work, {"erased": dropped} if dropped else {})
        for account_id in sorted({account_id for account_id, _ in erased}):
            contact_ids = [contact_id for account, contact_id in erased if account == account_id]
            await blank_answers(work.connection, account_id, contact_ids)


def told_contact(received: Received) -> ToldContact:
    """What a record of the topic says of its contact."""
    event, sequence = received.event, received.sequence or 0
    if isinstance(event, Tombstone):
        account_id, contact_id = map(int, event.key.split(":"))
        return ToldContact(account_id, contact_id, "erased", False, None, None, None, sequence)
    assert isinstance(event, ContactChanged)
    active = event.state == "active"
    return ToldContact(
        event.account_id,
        event.contact_id,
        event.state,
        event.tracking_consent != "denied",
        event.merged_into if event.state == "merged" else None,
        email_digest(event.email) if active and event.email else None,
        external_digest(event.external_id) if active and event.external_id else None,
        sequence,
    )


def keys_of(contact: ToldContact) -> list[str]:
    """What records that name the contact may be waiting for."""
    return [reference.waits_for for reference in references_to(contact)]


def references_to(contact: ToldContact) -> list[ContactReference]:
    """All by which reports may name the contact."""
    references = [ContactReference("contact", contact.account_id, contact.contact_id)]
    if contact.email_digest is not None:
        references.append(ContactReference("email", contact.account_id, contact.email_digest))
    if contact.external_digest is not None:
        references.append(ContactReference("external", contact.account_id, contact.external_digest))
    return references
