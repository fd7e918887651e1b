"""Erase contacts."""

from datetime import datetime

from services.labeling.domain.contacts import keys_of
from services.labeling.domain.names import names_of
from services.labeling.store.contacts import contacts_of
from services.labeling.store.directory import lock_entries
from services.labeling.store.erasure import delete_contact
from services.labeling.store.exports import forget_in_exports
from services.labeling.store.import_erasure import forget_in_imports
from shared.events.labeling import ContactChanged
from shared.events.topics import partition_of
from shared.idempotency.claims import blank_answers
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork


async def erase_contact(database: Database, account_id: int, contact_id: int) -> bool:
    """Delete all data of a contact, and publish its erasure; return False if the contact does not exist.

    Its labels are removed without an event for each. Its id is kept, so that later clicks and reports are dropped.
    """
    partition = partition_of(account_id, contact_id, database.partitions)
    async with database.unit_of_work(partition) as work:
        return await erase_in(work, account_id, contact_id)


async def erase_in(work: UnitOfWork, account_id: int, contact_id: int) -> bool:
    """Do the same within a unit of work that holds the lock of the contact's partition number."""
    contact = (await contacts_of(work.connection, [(account_id, contact_id)])).get((account_id, contact_id))
    if contact is None:
        return False
    keys = keys_of(contact)
    await lock_entries(work.connection, account_id, keys)
    waited_for = [name.waited_for for name in names_of(account_id, contact_id, keys)]
    await delete_contact(work.connection, account_id, contact_id, waited_for, work.now)
    await forget_in_exports(work.connection, account_id, contact_id)
    await forget_in_imports(work.connection, account_id, contact_id, keys)
    await work.erase_personal(account_id, contact_id)
    await blank_answers(work.connection, account_id, [contact_id])
    work.append(_erased(account_id, contact_id, work.now))
    work.append_tombstone("labeling.contacts", account_id, contact_id)
    return True


def _erased(account_id: int, contact_id: int, at: datetime) -> ContactChanged:
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
