"""Names of the things that criteria refer to."""

from dataclasses import dataclass
from uuid import UUID

from shared.bus.catalog import Catalog
from shared.events.labeling import FieldChanged, LabelChanged
from shared.events.segmentation import SegmentChanged
from shared.events.tracking import MessageChanged


@dataclass(frozen=True, slots=True)
class CatalogNames:
    """`shared.criteria.describing.Names` of one account. An unknown thing is named by its id or key."""

    catalog: Catalog
    account_id: int

    def label(self, label_id: UUID) -> str:
        """Return the name of a label."""
        label = self.catalog.find(LabelChanged, label_id)
        return label.label_name if label is not None else str(label_id)

    def segment(self, segment_id: UUID) -> str:
        """Return the name of a segment."""
        segment = self.catalog.find(SegmentChanged, segment_id)
        return segment.segment_name if segment is not None else str(segment_id)

    def message(self, message_id: UUID) -> str:
        """Return the name of a message."""
        message = self.catalog.find(MessageChanged, message_id)
        return message.message_name if message is not None else str(message_id)

    def link(self, link_id: UUID) -> str:
        """Return the text of a link, or its URL."""
        message_id = self.catalog.message_of(link_id)
        message = None if message_id is None else self.catalog.find(MessageChanged, message_id)
        is_of_account = message is not None and message.account_id == self.account_id
        for link in message.links if message is not None and is_of_account else ():
            if link.id == link_id:
                return link.text or link.url
        return str(link_id)

    def field(self, key: str) -> str:
        """Return the name of a field."""
        field_definition = self.catalog.find(FieldChanged, (self.account_id, key))
        return field_definition.field_name if field_definition is not None else key
