"""Every topic: its kind, who writes it, what it carries."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["contact", "catalog", "intake", "dead"]
DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """A Kafka topic. `writer` is the one service that writes it; intake topics are written by others."""

    name: str
    kind: Kind
    writer: str
    compacted: bool = False

    def settings(self) -> dict[str, str]:
        """The topic's own Kafka settings (design, section 2)."""
        if self.kind == "intake":
            return {"cleanup.policy": "delete", "retention.ms": str(7 * DAY_MS)}
        if self.kind == "dead":
            return {"cleanup.policy": "delete", "retention.ms": str(14 * DAY_MS)}
        if self.compacted:
            return {
                "cleanup.policy": "compact",
                "compression.type": "zstd",
                "max.compaction.lag.ms": str(DAY_MS),
                "delete.retention.ms": str(30 * DAY_MS),
            }
        return {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1", "compression.type": "zstd"}


TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic("tracking.clicks", "contact", "tracking"),
        Topic("labeling.labels", "contact", "labeling"),
        Topic("labeling.contacts", "contact", "labeling", compacted=True),
        Topic("labeling.engagements", "contact", "labeling"),
        Topic("segmentation.memberships", "contact", "segmentation"),
        Topic("workflow.commands", "contact", "workflow"),
        Topic("workflow.messages", "contact", "workflow"),
        Topic("labeling.catalog", "catalog", "labeling", compacted=True),
        Topic("labeling.keys", "catalog", "labeling", compacted=True),
        Topic("tracking.catalog", "catalog", "tracking", compacted=True),
        Topic("segmentation.catalog", "catalog", "segmentation", compacted=True),
        Topic("workflow.catalog", "catalog", "workflow", compacted=True),
        Topic("intake.clicks", "intake", "others"),
        Topic("intake.engagements", "intake", "others"),
        Topic("intake.clicks.dead", "dead", "tracking"),
        Topic("intake.engagements.dead", "dead", "labeling"),
    )
}

CATALOG_PARTITION = -1  # the partition number of catalog events in an event table


def partition_of(account_id: int, contact_id: int, partitions: int) -> int:
    """The partition number of a contact, the same in every contact topic."""
    return (account_id + contact_id) % partitions


def owned_by(service: str) -> list[Topic]:
    """The contact and catalog topics that `service` writes from its event table."""
    return [topic for topic in TOPICS.values() if topic.writer == service and topic.kind in ("contact", "catalog")]
