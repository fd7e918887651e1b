"""What criteria may name: the labels, messages, links, fields and segments of an account, as the catalogs say."""

from collections.abc import Callable
from typing import Protocol, TypeVar
from uuid import UUID

from shared.criteria.grammar import Criterion
from shared.criteria.validation import Existence
from shared.events.envelope import CatalogEvent
from shared.events.labeling import FieldChanged, FieldType, LabelChanged
from shared.events.tracking import MessageChanged

Thing = TypeVar("Thing", bound=CatalogEvent)


class Catalog(Protocol):
    """The part of `shared.bus.catalog.Catalog` that is used here."""

    def find(self, model: type[Thing], identity: object) -> Thing | None:
        """Return the newest state of one thing."""

    def message_of(self, link_id: UUID) -> UUID | None:
        """Return the message that contains a link."""


class AccountLookup:
    """The `shared.criteria.Lookup` of one account. Things of other accounts are unknown.

    `segment_of` returns the criterion of one of the account's segments, or None.
    """

    def __init__(
        self, catalog: Catalog, account_id: int, segment_of: Callable[[UUID], Criterion | None] = lambda _: None
    ) -> None:
        self._catalog = catalog
        self._account_id = account_id
        self._segment_of = segment_of

    def label(self, label_id: UUID) -> Existence:
        """Return whether the label exists; a merged label stands for the one that it was merged into."""
        followed = {label_id}
        while (found := self._own(LabelChanged, label_id)) is not None and found.merged_into is not None:
            label_id = found.merged_into
            if label_id in followed:
                return "merged"
            followed.add(label_id)
        if found is None:
            return "unknown"
        return "known" if found.state in ("active", "hidden") else "merged" if found.state == "merged" else "deleted"

    def message(self, message_id: UUID) -> Existence:
        """Return whether the message exists."""
        found = self._own(MessageChanged, message_id)
        if found is None:
            return "unknown"
        return "known" if found.state == "active" else "deleted"

    def link(self, link_id: UUID) -> Existence:
        """Return whether the link exists; links that were removed from their message still do."""
        message_id = self._catalog.message_of(link_id)
        return "unknown" if message_id is None else self.message(message_id)

    def field(self, key: str) -> tuple[FieldType, tuple[str, ...]] | None:
        """Return the type and the choices of a field; None if it does not exist or was deleted."""
        found = self._catalog.find(FieldChanged, (self._account_id, key))
        return None if found is None or found.state != "active" else (found.field_type, found.choices)

    def segment(self, segment_id: UUID) -> Criterion | None:
        """Return the criterion of a segment; None if it does not exist or was deleted."""
        return self._segment_of(segment_id)

    def _own(self, model: type[Thing], identity: UUID) -> Thing | None:
        found = self._catalog.find(model, identity)
        return None if found is None or found.account_id != self._account_id else found
