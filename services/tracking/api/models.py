"""What messages and their links look like in answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.tracking.domain.revisions import Link
from services.tracking.store.messages import StoredMessage
from shared.bus.catalog import Catalog
from shared.events.envelope import Optional
from shared.events.labeling import LabelChanged


class LinkLabelAnswer(BaseModel):
    """A label on a link, as it is called now. `by` says what put it there."""

    id: UUID
    name: str
    by: str
    broken: Annotated[
        Optional[bool], Field(description="True if the label has been deleted: clicks don't carry it.")
    ] = None


class LinkAnswer(BaseModel):
    """A link. `reason` says why it is not trackable: `mailto`, `merge_tag`, `unsubscribe`, … (open)."""

    id: UUID
    number: int
    url: str
    text: str
    trackable: bool
    reason: Optional[str] = None
    labels: list[LinkLabelAnswer]

    @classmethod
    def of(cls, link: Link, catalog: Catalog) -> "LinkAnswer":
        """A link as it is stored, its labels under the names that they have now."""
        labels = []
        for label in link.labels:
            current = catalog.find(LabelChanged, label.id)
            broken = True if current is not None and current.state == "deleted" else None
            name = label.name if current is None else current.label_name
            labels.append(LinkLabelAnswer(id=label.id, name=name, by=label.by, broken=broken))
        return cls(
            id=link.id,
            number=link.number,
            url=link.url,
            text=link.text,
            trackable=link.trackable,
            reason=link.reason,
            labels=labels,
        )


class MessageSummary(BaseModel):
    """A message in a list; `link_count` counts the links of its newest revision."""

    id: UUID
    name: str
    revision: int
    created_at: datetime
    changed_at: datetime
    link_count: int


class MessageAnswer(BaseModel):
    """A message, with the links of its newest revision in their order."""

    id: UUID
    name: str
    revision: int
    created_at: datetime
    changed_at: datetime
    links: Sequence[LinkAnswer]

    @classmethod
    def of(cls, message: StoredMessage, catalog: Catalog) -> "MessageAnswer":
        """A message as it is stored."""
        return cls(
            id=message.message_id,
            name=message.name,
            revision=message.revision,
            created_at=message.created_at,
            changed_at=message.changed_at,
            links=[LinkAnswer.of(link, catalog) for link in message.links_in_order()],
        )
