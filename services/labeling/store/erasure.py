"""Deletes all rows of one contact."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg.pool import PoolConnectionProxy

from shared.store.queries import queries_of

QUERIES = queries_of(__file__)

_BY_CONTACT = (
    "delete_contact",
    "delete_directory_entries",
    "delete_assignments",
    "delete_history",
    "delete_engagements",
    "delete_decisions",
    "delete_submissions",
)


async def delete_contact(
    connection: PoolConnectionProxy, account_id: int, contact_id: int, waited_for: Sequence[str], at: datetime
) -> None:
    """Delete the contact's rows, and held records about it; store that its id was erased.

    `waited_for` are the keys under which records may wait for the contact.
    """
    for name in _BY_CONTACT:
        await QUERIES[name].execute(connection, account_id=account_id, contact_id=contact_id)
    await QUERIES["insert_erased"].execute(connection, account_id=account_id, contact_id=contact_id, at=at)
    await QUERIES["delete_held"].execute(
        connection, account_id=account_id, contact_id=contact_id, names=list(waited_for)
    )
