"""What criteria may name: the labels, messages, links, fields and segments of an account, as the catalogs say."""

from uuid import UUID

from shared.bus.catalog import Catalog
from shared.criteria import Criterion, Existence, InvalidCriterion, parse
from shared.events.labeling import FieldChanged, FieldType, LabelChanged
from shared.events.segmentation import SegmentChanged
from shared.events.tracking import MessageChanged


class CatalogLookup:
    """`shared.criteria.Lookup` of one account; what belongs to another account is unknown."""

    def __init__(self, catalog: Catalog, account_id: int) -> None:
        self._catalog = catalog
        self._account_id = account_id

    def label(self, label_id: UUID) -> Existence:
        """Return whether there is such a label; hidden ones are known."""
        found = self._catalog.find(LabelChanged, label_id)
        if found is None or found.account_id != self._account_id:
            return "unknown"
        if found.merged_into is not None:
            # Whoever names it means the label that it was merged into.
            return self.label(found.merged_into)
        return "known" if found.state == "active" or found.state == "hidden" else found.state

    def message(self, message_id: UUID) -> Existence:
        """Return whether there is such a message."""
        found = self._catalog.find(MessageChanged, message_id)
        if found is None or found.account_id != self._account_id:
            return "unknown"
        return "known" if found.state == "active" else "deleted"

    def link(self, link_id: UUID) -> Existence:
        """Return whether there is such a link; those that vanished from their message are known."""
        message_id = self._catalog.message_of(link_id)
        return "unknown" if message_id is None else self.message(message_id)

    def field(self, key: str) -> tuple[FieldType, tuple[str, ...]] | None:
        """Return the type of a field, and its choices; None if there is none, or it was deleted."""
        found = self._catalog.find(FieldChanged, (self._account_id, key))
        return None if found is None or found.state != "active" else (found.field_type, found.choices)

    def segment(self, segment_id: UUID) -> Criterion | None:
        """Return the criterion of a segment; None if there is none, or it was deleted."""
        found = self._catalog.find(SegmentChanged, segment_id)
        if found is None or found.account_id != self._account_id or found.state == "deleted":
            return None
        try:
            return parse(found.criterion)
        except InvalidCriterion:
            return None
