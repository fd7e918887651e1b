"""What criteria may name: the labels, messages, links, fields and segments of an account, according to the catalogs."""

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
        """Return the newest state of one thing; None if it is unknown."""

    def message_of(self, link_id: UUID) -> UUID | None:
        """Return the message that contains a link; None if it is unknown."""


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
        visited = {label_id}
        while (label := self._own(LabelChanged, label_id)) is not None and label.merged_into is not None:
            label_id = label.merged_into
            if label_id in visited:
                return "merged"
            visited.add(label_id)
        if label is None:
            return "unknown"
        return "known" if label.state in ("active", "hidden") else "merged" if label.state == "merged" else "deleted"

    def message(self, message_id: UUID) -> Existence:
        """Return whether the message exists."""
        event = self._own(MessageChanged, message_id)
        if event is None:
            return "unknown"
        return "known" if event.state == "active" else "deleted"

    def link(self, link_id: UUID) -> Existence:
        """Return whether the link exists; links that were removed from their message still do."""
        message_id = self._catalog.message_of(link_id)
        return "unknown" if message_id is None else self.message(message_id)

    def field(self, key: str) -> tuple[FieldType, tuple[str, ...]] | None:
        """Return the type and the choices of a field; None if it does not exist or was deleted."""
        event = self._catalog.find(FieldChanged, (self._account_id, key))
        return None if event is None or event.state != "active" else (event.field_type, event.choices)

    def segment(self, segment_id: UUID) -> Criterion | None:
        """Return the criterion of a segment; None if it does not exist or was deleted."""
        return self._segment_of(segment_id)

    def _own(self, model: type[Thing], identity: UUID) -> Thing | None:
        event = self._catalog.find(model, identity)
        return None if event is None or event.account_id != self._account_id else event
