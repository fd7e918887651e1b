"""Delivery's projection of contacts: addresses, subscriptions and fields."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from asyncpg.pool import PoolConnectionProxy

from shared.store.queries import Executor, queries_of

QUERIES = queries_of(__file__)

ContactKey = tuple[int, int]  # account id, contact id


@dataclass(frozen=True, slots=True)
class StoredContact:
    """A contact; `fields` by key, for merge tags."""

    account_id: int
    contact_id: int
    email: str | None
    subscription: str
    language: str | None
    fields: dict[str, Any]


async def write_contacts(connection: PoolConnectionProxy, contacts: Sequence[StoredContact]) -> None:
    """Insert or replace contacts; each must occur once."""
    if contacts:
        await QUERIES["write_contacts"].execute(
            connection,
            account_ids=[contact.account_id for contact in contacts],
            contact_ids=[contact.contact_id for contact in contacts],
            emails=[contact.email for contact in contacts],
            subscriptions=[contact.subscription for contact in contacts],
            languages=[contact.language for contact in contacts],
            fields=[json.dumps(contact.fields) for contact in contacts],
        )


async def delete_contacts(connection: PoolConnectionProxy, keys: Collection[ContactKey]) -> None:
    """Delete contacts that were erased or merged away."""
    if keys:
        await QUERIES["delete_contacts"].execute(
            connection, account_ids=[account for account, _ in keys], contact_ids=[contact for _, contact in keys]
        )


async def contacts_of_ids(
    connection: Executor, account_id: int, contact_ids: Collection[int]
) -> dict[int, StoredContact]:
    """Return the known contacts among `contact_ids`, by contact id."""
    rows = await QUERIES["contacts_of_ids"].fetch(connection, account_id=account_id, contact_ids=list(contact_ids))
    return {
        row["contact_id"]: StoredContact(
            account_id,
            row["contact_id"],
            row["email"],
            row["subscription"],
            row["language"],
            json.loads(row["fields"]),
        )
        for row in rows
    }
