"""The contacts that a unit of work changes: loaded in one query, written in one."""

from collections.abc import Collection, Mapping
from typing import Any, Self

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.contacts import Contact, changed, told
from services.labeling.domain.fields import Field
from services.labeling.store import QUERIES
from services.labeling.store.fields import fields_of_accounts
from shared.bus.received import Received
from shared.store.unit_of_work import UnitOfWork

ContactKey = tuple[int, int]  # account_id, contact_id


class ContactBook:
    """Changes contacts within one unit of work; every change tells the contact's whole state.

    The contacts must be named when it is opened, under the lock of their partition number. Who may have which address
    and external id is settled before, by the directory.
    """

    def __init__(
        self, work: UnitOfWork, stored: dict[ContactKey, Contact], definitions: Mapping[int, Mapping[str, Field]]
    ) -> None:
        self._work = work
        self._contacts = stored
        self._definitions = definitions
        self._touched: set[ContactKey] = set()

    @classmethod
    async def open(cls, work: UnitOfWork, contacts: Collection[ContactKey]) -> Self:
        """Loads `contacts` and the fields of their accounts."""
        if not contacts:
            return cls(work, {}, {})
        stored = await contacts_of(work.connection, contacts)
        definitions = await fields_of_accounts(work.connection, {account for account, _ in contacts})
        return cls(work, stored, definitions)

    def find(self, key: ContactKey) -> Contact | None:
        """The contact as it is now in this unit; None if there is none."""
        return self._contacts.get(key)

    def change(self, key: ContactKey, patch: Mapping[str, Any], cause: Received | None = None) -> bool:
        """Applies a merge patch to a contact that may be new. Raises InvalidError. False if it changes nothing."""
        before = self._contacts.get(key)
        after = changed(before or Contact(), patch, self._definitions.get(key[0], {}))
        if after == before:
            return False
        self._tell(key, after, cause)
        return True

    def forget_field(self, key: ContactKey, field_key: str) -> None:
        """Takes away the value of a field that is no longer defined."""
        before = self._contacts[key]
        after = before._replace(fields={name: value for name, value in before.fields.items() if name != field_key})
        self._tell(key, after, None)

    def _tell(self, key: ContactKey, contact: Contact, cause: Received | None) -> None:
        self._contacts[key] = contact
        self._touched.add(key)
        at = self._work.now if cause is None else cause.event.occurred_at
        self._work.append(told(contact, *key, at), cause=cause, personal=True)

    async def write(self) -> None:
        """Writes what changed; called once, at the end."""
        if not self._touched:
            return
        rows = []
        for key in sorted(self._touched):
            contact = self._contacts[key]
            rows.append((*key, *contact._replace(fields=orjson.dumps(contact.fields).decode())))  # type: ignore[arg-type]
        await self._work.connection.execute(QUERIES["write_contacts"], *zip(*rows, strict=True), self._work.now)


async def contacts_of(connection: PoolConnectionProxy, contacts: Collection[ContactKey]) -> dict[ContactKey, Contact]:
    """Those of `contacts` that there are."""
    accounts, ids = zip(*contacts, strict=True)
    rows = await connection.fetch(QUERIES["contacts_of_ids"], accounts, ids)
    return {(row["account_id"], row["contact_id"]): contact_from_row(row) for row in rows}


def contact_from_row(row: Record) -> Contact:
    """A row of `contacts`."""
    return Contact(
        row["external_id"],
        row["email"],
        row["email_key"],
        orjson.loads(row["fields"]),
        row["subscription"],
        row["tracking_consent"],
        row["source"],
        row["language"],
    )


async def erased_among(connection: PoolConnectionProxy, contacts: Collection[ContactKey]) -> set[ContactKey]:
    """Those of `contacts` that were erased."""
    if not contacts:
        return set()
    accounts, ids = zip(*contacts, strict=True)
    rows = await connection.fetch(QUERIES["erased_among"], accounts, ids)
    return {(row["account_id"], row["contact_id"]) for row in rows}
