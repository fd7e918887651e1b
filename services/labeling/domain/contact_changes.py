"""The changes of one unit of work to contacts, in memory; the use case writes them afterwards."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from services.labeling.domain.contacts import Contact, attributed, changed
from services.labeling.domain.fields import Field
from shared.events.parts import Origin

ContactKey = tuple[int, int]  # account_id, contact_id
CausingEvent = TypeVar("CausingEvent")


class ContactChange(NamedTuple, Generic[CausingEvent]):
    """The state of a contact before and after a change.

    `origin` is the origin of the change, `wording` the text that the contact saw when it decided; `cause` is the record
    that caused the change, if any.
    """

    key: ContactKey
    before: Contact | None
    contact: Contact
    at: datetime
    origin: Origin
    wording: str | None
    cause: CausingEvent | None


class ContactChanges(Generic[CausingEvent]):
    """Apply patches to contacts, and collect the changes.

    `stored` must contain all existing contacts that will be touched, read under the lock of their partition number.
    Which contact may have which address and external id was decided before (see `directory`).
    """

    def __init__(self, stored: Mapping[ContactKey, Contact], definitions: Mapping[int, Mapping[str, Field]]) -> None:
        self._contacts = dict(stored)
        self._definitions = definitions
        self.changes: list[ContactChange[CausingEvent]] = []

    @property
    def changed(self) -> dict[ContactKey, Contact]:
        """The final state of every contact that changed."""
        return {change.key: change.contact for change in self.changes}

    def find(self, key: ContactKey) -> Contact | None:
        """Return the present state of the contact; None if it does not exist."""
        return self._contacts.get(key)

    def change(
        self,
        key: ContactKey,
        patch: Mapping[str, Any],
        at: datetime,
        origin: Origin,
        *,
        wording: str | None = None,
        cause: CausingEvent | None = None,
    ) -> bool:
        """Apply a merge patch to a contact, which may be new. Returns False if nothing changes.

        Raises InvalidError.
        """
        before = self._contacts.get(key)
        after = changed(before or Contact(), patch, self._definitions.get(key[0], {}), origin.kind)
        if after == before:
            return False
        self._set(ContactChange(key, before, after, at, origin, wording, cause))
        return True

    def put(
        self, key: ContactKey, contact: Contact, at: datetime, origin: Origin, *, wording: str | None = None
    ) -> None:
        """Replace a contact, which may be new, by a state that has been validated."""
        before = self._contacts.get(key)
        after = attributed(before or Contact(), contact, origin.kind)
        self._set(ContactChange(key, before, after, at, origin, wording, None))

    def forget_field(self, key: ContactKey, field_key: str, at: datetime) -> None:
        """Remove the value of a field that is no longer defined."""
        before = self._contacts[key]
        after = before._replace(fields={name: value for name, value in before.fields.items() if name != field_key})
        self._set(ContactChange(key, before, after, at, Origin(kind="field_deleted"), None, None))

    def _set(self, change: ContactChange[CausingEvent]) -> None:
        if change.before is None:
            change = change._replace(contact=change.contact._replace(created_at=change.at))
        self._contacts[change.key] = change.contact
        self.changes.append(change)
