"""Senders: the names and addresses that mails of an account come from."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


@dataclass(frozen=True, slots=True)
class Sender:
    """A sender. `version` increases with each change."""

    sender_id: UUID
    account_id: int
    name: str
    email: str
    reply_to: str | None
    created_at: datetime
    changed_at: datetime
    version: int


async def insert_sender(connection: PoolConnectionProxy, sender: Sender) -> Sender:
    """Write a new sender."""
    row = await QUERIES["insert_sender"].fetchrow(
        connection,
        sender_id=sender.sender_id,
        account_id=sender.account_id,
        name=sender.name,
        email=sender.email,
        reply_to=sender.reply_to,
        now=sender.created_at,
    )
    assert row is not None
    return Sender(**row)


async def change_sender(connection: PoolConnectionProxy, sender: Sender) -> Sender:
    """Write the sender's name and addresses."""
    row = await QUERIES["change_sender"].fetchrow(
        connection,
        sender_id=sender.sender_id,
        account_id=sender.account_id,
        name=sender.name,
        email=sender.email,
        reply_to=sender.reply_to,
        now=sender.changed_at,
    )
    assert row is not None
    return Sender(**row)


async def delete_sender(connection: PoolConnectionProxy, account_id: int, sender_id: UUID) -> None:
    """Delete a sender."""
    await QUERIES["delete_sender"].execute(connection, account_id=account_id, sender_id=sender_id)


async def read_sender(connection: PoolConnectionProxy, account_id: int, sender_id: UUID) -> Sender | None:
    """Return a sender, or None if the account has none with that id."""
    return _sender(await QUERIES["read_sender"].fetchrow(connection, account_id=account_id, sender_id=sender_id))


async def lock_sender(connection: PoolConnectionProxy, account_id: int, sender_id: UUID) -> Sender | None:
    """Return a sender, and lock it until the transaction ends."""
    return _sender(await QUERIES["lock_sender"].fetchrow(connection, account_id=account_id, sender_id=sender_id))


async def list_senders(
    connection: PoolConnectionProxy, account_id: int, after: UUID | None, limit: int
) -> list[Sender]:
    """Return senders of an account, oldest first."""
    rows = await QUERIES["list_senders"].fetch(connection, account_id=account_id, after=after, limit=limit)
    return [Sender(**row) for row in rows]


async def count_senders(connection: PoolConnectionProxy, account_id: int) -> int:
    """Return how many senders the account has."""
    count: int = await QUERIES["count_senders"].fetchval(connection, account_id=account_id)
    return count


async def messages_of_sender(
    connection: PoolConnectionProxy, account_id: int, sender_id: UUID
) -> list[tuple[UUID, str]]:
    """Return the ids and names of up to 100 messages that come from the sender."""
    rows = await QUERIES["messages_of_sender"].fetch(connection, account_id=account_id, sender_id=sender_id)
    return [(row["message_id"], row["name"]) for row in rows]


def _sender(row: Record | None) -> Sender | None:
    return None if row is None else Sender(**row)
