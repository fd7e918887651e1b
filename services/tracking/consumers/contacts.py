"""Consumes changes of contacts (topic labeling.contacts)."""

from collections.abc import Sequence

from services.tracking.domain.digests import email_digest, external_digest
from services.tracking.store.contacts import ContactRow
from services.tracking.use_cases.contact_changes import apply_contacts
from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.events.codec import Tombstone
from shared.events.labeling import ContactChanged
from shared.store.unit_of_work import UnitOfWork


class ContactHandler(Handler):
    """Keeps tracking's own table of contacts."""

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Apply the last state of each contact in the batch."""
        await apply_contacts(work, list(map(contact_row, batch)), {received.partition for received in batch})


def contact_row(received: Received) -> ContactRow:
    """Return the row for a record of the topic."""
    event, sequence = received.event, received.sequence or 0
    if isinstance(event, Tombstone):
        account_id, contact_id = map(int, event.key.split(":"))
        return ContactRow(account_id, contact_id, "erased", "denied", None, None, None, sequence)
    assert isinstance(event, ContactChanged)
    active = event.state == "active"
    return ContactRow(
        event.account_id,
        event.contact_id,
        event.state,
        event.tracking_consent,
        event.merged_into if event.state == "merged" else None,
        email_digest(event.email) if active and event.email else None,
        external_digest(event.external_id) if active and event.external_id else None,
        sequence,
    )
