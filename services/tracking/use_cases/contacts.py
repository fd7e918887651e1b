"""Finds the contacts that a request names. Labeling creates contacts, so tracking knows a new one after a delay."""

import asyncio
from collections.abc import Sequence
from time import monotonic

from services.tracking.domain.digests import external_digest
from services.tracking.domain.intake import ReferenceKey
from services.tracking.store.contacts import contacts_named, contacts_that_matter
from services.tracking.use_cases.service import Tracking

WAIT = 5.0  # seconds; the longest delay of changes of contacts after a large import
CHECK_INTERVAL = 0.1  # seconds


async def is_known_contact(tracking: Tracking, account_id: int, contact_id: int) -> bool:
    """Return whether the contact exists in the account and is not erased."""
    return (await known_contacts(tracking, account_id, [contact_id])) == [contact_id]


async def known_contacts(tracking: Tracking, account_id: int, contact_ids: Sequence[int]) -> list[int | None]:
    """Return each id, or None if the account has no such contact; wait up to `WAIT` for unknown ones."""
    keys = {(account_id, contact_id) for contact_id in contact_ids}
    deadline = monotonic() + WAIT
    while True:
        async with tracking.database.pool.acquire() as connection:
            statuses = await contacts_that_matter(connection, keys)
        if all(status.state is not None for status in statuses.values()) or monotonic() > deadline:
            break
        await asyncio.sleep(CHECK_INTERVAL)
    missing = {contact for (_, contact), status in statuses.items() if status.state in (None, "erased")}
    return [None if contact_id in missing else contact_id for contact_id in contact_ids]


async def contacts_of_external_ids(
    tracking: Tracking, account_id: int, external_ids: Sequence[str]
) -> list[int | None]:
    """Return the contact's id for each external id, or None; wait up to `WAIT` for unknown ones."""
    references = [ReferenceKey("external", account_id, external_digest(text)) for text in external_ids]
    deadline = monotonic() + WAIT
    while True:
        async with tracking.database.pool.acquire() as connection:
            found = await contacts_named(connection, set(references))
        if all(reference in found for reference in references) or monotonic() > deadline:
            return [found.get(reference) for reference in references]
        await asyncio.sleep(CHECK_INTERVAL)
