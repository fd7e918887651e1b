"""Applies changes of contacts: updates the table, releases clicks that wait for them, and carries out erasures."""

from collections.abc import Collection, Sequence

from services.tracking.domain.intake import ReferenceKey
from services.tracking.store.clicks import forget_clicks
from services.tracking.store.contacts import (
    ContactKey,
    ContactRow,
    count_contact_news,
    does_any_click_wait,
    drop_held_that_name,
    names_of_contacts,
    write_contacts,
)
from services.tracking.use_cases.memory import count_dropped
from shared.idempotency.claims import blank_answers
from shared.store.unit_of_work import UnitOfWork


async def apply_contacts(work: UnitOfWork, rows: Sequence[ContactRow], partitions: Collection[int]) -> None:
    """Write the last row of each contact, remove the data of erased ones, and release clicks that wait for contacts.

    `partitions` are the partition numbers of the contacts; their locks must be held.
    """
    newest = {(row.account_id, row.contact_id): row for row in rows}
    await _forget(work, rows, {key for key, row in newest.items() if row.state == "erased"})
    await write_contacts(work.connection, list(newest.values()))
    await count_contact_news(work.connection, partitions)
    if await does_any_click_wait(work.connection):
        await work.release([reference.waits_for for row in newest.values() for reference in references_to(row)])


async def _forget(work: UnitOfWork, rows: Sequence[ContactRow], erased: set[ContactKey]) -> None:
    """Remove personal data from clicks; delete held reports, and blank answers that may name the contacts."""
    if not erased:
        return
    await forget_clicks(work.connection, erased)
    references = {ReferenceKey("contact", *key) for key in erased}
    references |= await names_of_contacts(work.connection, erased)
    for row in rows:
        if (row.account_id, row.contact_id) in erased:
            references.update(references_to(row))
    dropped = await drop_held_that_name(work.connection, references)
    count_dropped(work, {"erased": dropped} if dropped else {})
    for account_id in sorted({account_id for account_id, _ in erased}):
        contact_ids = [contact_id for account, contact_id in erased if account == account_id]
        await blank_answers(work.connection, account_id, contact_ids)


def references_to(row: ContactRow) -> list[ReferenceKey]:
    """Return all names by which reports may refer to the contact."""
    references = [ReferenceKey("contact", row.account_id, row.contact_id)]
    if row.email_digest is not None:
        references.append(ReferenceKey("email", row.account_id, row.email_digest))
    if row.external_digest is not None:
        references.append(ReferenceKey("external", row.account_id, row.external_digest))
    return references
