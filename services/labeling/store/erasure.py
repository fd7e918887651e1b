"""Forgetting a contact."""

from services.labeling.domain.contacts import erased
from services.labeling.domain.names import names_of
from services.labeling.store import QUERIES
from services.labeling.store.contacts import contacts_of
from services.labeling.store.directory import keys_of, lock_entries
from shared.events.topics import partition_of
from shared.http.idempotency import blank_answers
from shared.store.database import Database

# What stands in rows of its own about a contact, each deleted by account and contact.
DELETIONS = (
    "delete_contact",
    "delete_directory_of_contact",
    "delete_assignments_of_contact",
    "delete_history_of_contact",
    "delete_engagements_of_contact",
)


async def erase_contact(database: Database, account_id: int, contact_id: int) -> bool:
    """Deletes all that is known of the contact and tells the others; False if there is no such contact.

    Its labels are not removed one by one: who holds a label is a contact, and there is none any more. The id is
    remembered, so that clicks and reports that come later are dropped.
    """
    partition = partition_of(account_id, contact_id, database.partitions)
    async with database.unit_of_work(partition) as work:
        contact = (await contacts_of(work.connection, [(account_id, contact_id)])).get((account_id, contact_id))
        if contact is None:
            return False
        keys = keys_of(contact)
        await lock_entries(work.connection, account_id, keys)
        for name in DELETIONS:
            await work.connection.execute(QUERIES[name], account_id, contact_id)
        await work.connection.execute(QUERIES["remember_erased"], account_id, contact_id, work.now)
        waited_for = [name.waited_for for name in names_of(account_id, contact_id, keys)]
        await work.connection.execute(QUERIES["delete_held_of_contact"], account_id, contact_id, waited_for)
        await work.erase_personal(account_id, contact_id)
        await blank_answers(work.connection, account_id, [contact_id])
        work.append(erased(account_id, contact_id, work.now))
        work.append_tombstone("labeling.contacts", account_id, contact_id)
    return True
