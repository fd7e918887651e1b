"""Names of the things that criteria refer to."""

from dataclasses import dataclass
from uuid import UUID

from shared.bus.catalog import Catalog
from shared.events.labeling import FieldChanged, LabelChanged
from shared.events.segmentation import SegmentChanged
from shared.events.tracking import MessageChanged


@dataclass(frozen=True, slots=True)
class CatalogNames:
    """`shared.criteria.describing.Names` of one account. A thing without a name is called by its id."""

    catalog: Catalog
    account_id: int

    def label(self, label_id: UUID) -> str:
        """Return the name of a label."""
        found = self.catalog.find(LabelChanged, label_id)
        return found.label_name if found is not None else str(label_id)

    def segment(self, segment_id: UUID) -> str:
        """Return the name of a segment."""
        found = self.catalog.find(SegmentChanged, segment_id)
        return found.segment_name if found is not None else str(segment_id)

    def message(self, message_id: UUID) -> str:
        """Return the name of a message."""
        found = self.catalog.find(MessageChanged, message_id)
        return found.message_name if found is not None else str(message_id)

    def link(self, link_id: UUID) -> str:
        """Return the text of a link, or its URL."""
        message_id = self.catalog.message_of(link_id)
        found = None if message_id is None else self.catalog.find(MessageChanged, message_id)
        ours = found is not None and found.account_id == self.account_id
        for link in found.links if found is not None and ours else ():
            if link.id == link_id:
                return link.text or link.url
        return str(link_id)

    def field(self, key: str) -> str:
        """Return the name of a field."""
        found = self.catalog.find(FieldChanged, (self.account_id, key))
        return found.field_name if found is not None else key
