"""Contacts."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.contact_changes import ContactKey
from services.labeling.domain.contacts import Contact
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


class StoredContact(NamedTuple):
    """A contact with its id and times."""

    contact_id: int
    contact: Contact
    created_at: datetime
    changed_at: datetime


def _contact(row: Record) -> Contact:
    return Contact(
        row["external_id"],
        row["email"],
        row["email_key"],
        orjson.loads(row["fields"]),
        row["subscription"],
        row["tracking_consent"],
        row["source"],
        row["language"],
        row["subscription_by"],
        row["consent_by"],
        row["created_at"],
    )


def _stored(row: Record) -> StoredContact:
    return StoredContact(row["contact_id"], _contact(row), row["created_at"], row["changed_at"])


async def contacts_of(connection: PoolConnectionProxy, contacts: Collection[ContactKey]) -> dict[ContactKey, Contact]:
    """Return those of `contacts` that exist."""
    if not contacts:
        return {}
    account_ids, contact_ids = zip(*contacts, strict=True)
    rows = await QUERIES["contacts_of_ids"].fetch(connection, account_ids=account_ids, contact_ids=contact_ids)
    return {(row["account_id"], row["contact_id"]): _contact(row) for row in rows}


async def contact_of_id(connection: PoolConnectionProxy, account_id: int, contact_id: int) -> StoredContact | None:
    """Return a contact, or None."""
    row = await QUERIES["contact_of_id"].fetchrow(connection, account_id=account_id, contact_id=contact_id)
    return None if row is None else _stored(row)


async def contacts_of_account(
    connection: PoolConnectionProxy, account_id: int, after: int, limit: int, only: int | None = None
) -> list[StoredContact]:
    """Return a page of the account's contacts, by id; with `only`, at most the contact with that id."""
    rows = await QUERIES["contacts_of_account"].fetch(
        connection, account_id=account_id, after=after, limit=limit, only=only
    )
    return [_stored(row) for row in rows]


async def contacts_with_label(
    connection: PoolConnectionProxy, account_id: int, label_no: int, after: int, limit: int, only: int | None = None
) -> list[StoredContact]:
    """Return a page of the contacts that hold a label, by id; with `only`, at most the contact with that id."""
    rows = await QUERIES["contacts_with_label"].fetch(
        connection, account_id=account_id, label_no=label_no, after=after, limit=limit, only=only
    )
    return [_stored(row) for row in rows]


async def contacts_with_field(
    connection: PoolConnectionProxy,
    account_id: int,
    key: str,
    *,
    partitions: int,
    partition: int,
    after: int,
    limit: int,
) -> list[int]:
    """Return the next contacts of a partition number that have a value of the field."""
    rows = await QUERIES["contacts_with_field"].fetch(
        connection,
        account_id=account_id,
        key=key,
        partitions=partitions,
        partition=partition,
        after=after,
        limit=limit,
    )
    return [row["contact_id"] for row in rows]


async def contacts_of_partition(
    connection: PoolConnectionProxy, account_id: int, *, partitions: int, partition: int, after: int, limit: int
) -> list[int]:
    """Return the next contacts of a partition number."""
    rows = await QUERIES["contacts_of_partition"].fetch(
        connection, account_id=account_id, partitions=partitions, partition=partition, after=after, limit=limit
    )
    return [row["contact_id"] for row in rows]


async def count_field_values(connection: PoolConnectionProxy, account_id: int, key: str) -> int:
    """Count the contacts that have a value of the field."""
    count: int = await QUERIES["count_field_values"].fetchval(connection, account_id=account_id, key=key)
    return count


async def erased_among(connection: PoolConnectionProxy, contacts: Collection[ContactKey]) -> set[ContactKey]:
    """Return those of `contacts` that were erased."""
    if not contacts:
        return set()
    account_ids, contact_ids = zip(*contacts, strict=True)
    rows = await QUERIES["erased_among"].fetch(connection, account_ids=account_ids, contact_ids=contact_ids)
    return {(row["account_id"], row["contact_id"]) for row in rows}


async def write_contacts(connection: PoolConnectionProxy, contacts: Mapping[ContactKey, Contact], at: datetime) -> None:
    """Insert or replace contacts."""
    if not contacts:
        return
    keys = sorted(contacts)
    states = [contacts[key] for key in keys]
    await QUERIES["write_contacts"].execute(
        connection,
        account_ids=[account_id for account_id, _ in keys],
        contact_ids=[contact_id for _, contact_id in keys],
        external_ids=[contact.external_id for contact in states],
        emails=[contact.email for contact in states],
        email_keys=[contact.email_key for contact in states],
        fields=[orjson.dumps(contact.fields).decode() for contact in states],
        subscriptions=[contact.subscription for contact in states],
        tracking_consents=[contact.tracking_consent for contact in states],
        sources=[contact.source for contact in states],
        languages=[contact.language for contact in states],
        subscription_by=[contact.subscription_by for contact in states],
        consent_by=[contact.consent_by for contact in states],
        created_at=[contact.created_at or at for contact in states],
        at=at,
    )
