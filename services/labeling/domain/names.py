"""Names of contacts in reports, and the keys under which held records wait for a contact."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from services.labeling.domain.addresses import email_address, external_id
from services.labeling.domain.directory import Key
from shared.events.intake import ContactReference


class ContactName(NamedTuple):
    """The name of a contact in a report: its `id`, or a key of the directory."""

    account_id: int
    kind: Literal["id", "email", "external"]
    key: str

    @property
    def waited_for(self) -> str:
        """Return the key under which a held record waits for this contact."""
        return f"contact:{self.account_id}:{self.kind}:{self.key}"


def name_in(account_id: int, reference: ContactReference) -> ContactName:
    """Return the name by which a report refers to its contact. Raises InvalidError if it is malformed."""
    if reference.contact_id is not None:
        return ContactName(account_id, "id", str(reference.contact_id))
    if reference.external_id is not None:
        return ContactName(account_id, "external", external_id(reference.external_id))
    return ContactName(account_id, "email", email_address(reference.email or "").key)


def names_of(account_id: int, contact_id: int, keys: Iterable[Key]) -> list[ContactName]:
    """Return all names of a contact."""
    return [
        ContactName(account_id, "id", str(contact_id)),
        *(ContactName(account_id, kind, key) for kind, key in keys),
    ]


def parse_name(waited_for: str) -> ContactName:
    """Parse a key that `ContactName.waited_for` returned."""
    _, account_id, kind, key = waited_for.split(":", 3)
    return ContactName(int(account_id), kind, key)  # type: ignore[arg-type] # written by `waited_for`
