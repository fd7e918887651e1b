"""The changes of one unit of work to contacts: made here, in memory; written afterwards by the use case."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from services.labeling.domain.contacts import Contact, changed
from services.labeling.domain.fields import Field

ContactKey = tuple[int, int]  # account_id, contact_id
Cause = TypeVar("Cause")


class ContactChange(NamedTuple, Generic[Cause]):
    """The state of a contact after a change. `cause` is the record that led to it, if there is one."""

    key: ContactKey
    contact: Contact
    at: datetime
    cause: Cause | None


class ContactChanges(Generic[Cause]):
    """Apply patches to contacts, and collect the changes.

    `stored` must have all contacts that exist of those that are touched, read under the lock of their partition
    number. The directory settles who may have which address and external id before.
    """

    def __init__(self, stored: Mapping[ContactKey, Contact], definitions: Mapping[int, Mapping[str, Field]]) -> None:
        self._contacts = dict(stored)
        self._definitions = definitions
        self.changes: list[ContactChange[Cause]] = []

    @property
    def changed(self) -> dict[ContactKey, Contact]:
        """The final state of every contact that changed."""
        return {change.key: change.contact for change in self.changes}

    def find(self, key: ContactKey) -> Contact | None:
        """Return the contact as it is now; None if there is none."""
        return self._contacts.get(key)

    def change(self, key: ContactKey, patch: Mapping[str, Any], at: datetime, cause: Cause | None = None) -> bool:
        """Apply a merge patch to a contact, which may be new. Returns False if nothing changes.

        Raises InvalidError.
        """
        before = self._contacts.get(key)
        after = changed(before or Contact(), patch, self._definitions.get(key[0], {}))
        if after == before:
            return False
        self._set(key, after, at, cause)
        return True

    def put(self, key: ContactKey, contact: Contact, at: datetime) -> None:
        """Replace a contact, which may be new, by a state that has been validated."""
        self._set(key, contact, at, None)

    def forget_field(self, key: ContactKey, field_key: str, at: datetime) -> None:
        """Remove the value of a field that is no longer defined."""
        before = self._contacts[key]
        after = before._replace(fields={name: value for name, value in before.fields.items() if name != field_key})
        self._set(key, after, at, None)

    def _set(self, key: ContactKey, contact: Contact, at: datetime, cause: Cause | None) -> None:
        self._contacts[key] = contact
        self.changes.append(ContactChange(key, contact, at, cause))
