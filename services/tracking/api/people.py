"""Contacts as endpoints name them; labeling has them first, so a new one may take a moment to get here."""

import asyncio
from collections.abc import Sequence
from time import monotonic

from services.tracking.api.service import Tracking
from services.tracking.domain.digests import external_digest
from services.tracking.domain.intake import ContactReference
from services.tracking.store.contacts import contacts_named, contacts_that_matter

WAIT = 5.0  # seconds; after a large import the news of contacts are that late at times
LOOK_EVERY = 0.1  # seconds


async def known_contact(service: Tracking, account_id: int, contact_id: int) -> bool:
    """Whether the account has the contact, and it is not erased."""
    return (await known_contacts(service, account_id, [contact_id])) == [contact_id]


async def known_contacts(service: Tracking, account_id: int, contact_ids: Sequence[int]) -> list[int | None]:
    """Each contact, or None where the account has none of that id; waits a moment for those not known yet."""
    keys = {(account_id, contact_id) for contact_id in contact_ids}
    deadline = monotonic() + WAIT
    while True:
        async with service.around.database.pool.acquire() as connection:
            standings = await contacts_that_matter(connection, keys)
        if all(standing.state is not None for standing in standings.values()) or monotonic() > deadline:
            break
        await asyncio.sleep(LOOK_EVERY)
    gone = {contact for (_, contact), standing in standings.items() if standing.state in (None, "erased")}
    return [None if contact_id in gone else contact_id for contact_id in contact_ids]


async def contacts_of_external_ids(service: Tracking, account_id: int, external_ids: Sequence[str]) -> list[int | None]:
    """The contact of each external id, or None; waits a moment for those not known yet."""
    references = [ContactReference("external", account_id, external_digest(text)) for text in external_ids]
    deadline = monotonic() + WAIT
    while True:
        async with service.around.database.pool.acquire() as connection:
            found = await contacts_named(connection, set(references))
        if all(reference in found for reference in references) or monotonic() > deadline:
            return [found.get(reference) for reference in references]
        await asyncio.sleep(LOOK_EVERY)
