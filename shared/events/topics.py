"""The registry of topics: their kinds, writers, readers and events."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["contact", "catalog", "intake", "dead"]
DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """A Kafka topic. `writer` is the only service that writes it; integrations write intake topics.

    `causes` are the contact topics of other services whose records may cause a record of this topic, directly or
    through another service. `ce_after` names only these, and the writer's own topics (see `causes_of`): a topic that is
    not declared here never delays a consumer. `readers` are the services that consume the topic, `reporters` the
    services that write an intake topic, in addition to integrations.
    """

    name: str
    kind: Kind
    writer: str
    compacted: bool = False
    causes: tuple[str, ...] = ()
    kept_days: int | None = None  # of a contact topic; None: for ever
    readers: tuple[str, ...] = ()
    reporters: tuple[str, ...] = ()

    def settings(self) -> dict[str, str]:
        """Return the topic's Kafka settings."""
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
        retention = -1 if self.kept_days is None else self.kept_days * DAY_MS
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(retention),
            "retention.bytes": "-1",
            "compression.type": "zstd",
        }


_CAUSES_OF_LABELING = ("tracking.clicks", "workflow.commands")
_CAUSES_OF_SEGMENTATION = ("tracking.clicks", "labeling.contacts", "labeling.engagements", "labeling.labels")
_CAUSES_OF_WORKFLOW = (*_CAUSES_OF_SEGMENTATION, "segmentation.memberships")
_CATALOG_READERS = ("tracking", "labeling", "segmentation", "workflow")
_LABELING_READERS = ("tracking", "segmentation", "workflow")

# The events of one unit of work are written in this order of topics: a catalog before events that refer to it, a
# contact before its engagements, and engagements before the labels that follow from them.
TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic(
            "labeling.catalog",
            "catalog",
            "labeling",
            compacted=True,
            readers=(*_LABELING_READERS, "delivery"),
        ),
        Topic("labeling.keys", "catalog", "labeling", compacted=True, readers=(*_CATALOG_READERS, "delivery")),
        Topic("tracking.catalog", "catalog", "tracking", compacted=True, readers=_CATALOG_READERS),
        Topic(
            "segmentation.catalog", "catalog", "segmentation", compacted=True, readers=(*_CATALOG_READERS, "delivery")
        ),
        Topic("workflow.catalog", "catalog", "workflow", compacted=True, readers=_CATALOG_READERS),
        Topic(
            "tracking.clicks",
            "contact",
            "tracking",
            causes=("labeling.contacts",),
            readers=("labeling", "segmentation", "workflow"),
        ),
        # Labeling also reads memberships, to export segments, but they cause none of its events.
        Topic(
            "labeling.contacts",
            "contact",
            "labeling",
            compacted=True,
            causes=_CAUSES_OF_LABELING,
            readers=(*_LABELING_READERS, "delivery"),
        ),
        Topic(
            "labeling.engagements",
            "contact",
            "labeling",
            causes=_CAUSES_OF_LABELING,
            readers=("segmentation", "workflow"),
        ),
        Topic(
            "labeling.labels", "contact", "labeling", causes=_CAUSES_OF_LABELING, readers=("segmentation", "workflow")
        ),
        Topic(
            "segmentation.memberships",
            "contact",
            "segmentation",
            causes=_CAUSES_OF_SEGMENTATION,
            readers=("labeling", "workflow"),
        ),
        Topic("workflow.commands", "contact", "workflow", causes=_CAUSES_OF_WORKFLOW, readers=("labeling",)),
        Topic("workflow.messages", "contact", "workflow", causes=_CAUSES_OF_WORKFLOW, readers=("delivery",)),
        Topic(
            "segmentation.messages", "contact", "segmentation", causes=_CAUSES_OF_SEGMENTATION, readers=("delivery",)
        ),
        Topic(
            "labeling.messages", "contact", "labeling", causes=_CAUSES_OF_LABELING, kept_days=7, readers=("delivery",)
        ),
        Topic("intake.clicks", "intake", "others", readers=("tracking",), reporters=("tracking",)),
        Topic("intake.engagements", "intake", "others", readers=("labeling",), reporters=("labeling", "delivery")),
        Topic("intake.clicks.dead", "dead", "tracking"),
        Topic("intake.engagements.dead", "dead", "labeling"),
    )
}

CATALOG_PARTITION = -1  # the partition number of catalog events in an event table


def partition_of(account_id: int, contact_id: int, partitions: int) -> int:
    """Return the partition number of a contact, the same in every contact topic."""
    return (account_id + contact_id) % partitions


def owned_by(service: str) -> list[Topic]:
    """Return the contact and catalog topics that `service` writes from its event table."""
    return [topic for topic in TOPICS.values() if topic.writer == service and topic.kind in ("contact", "catalog")]


def _causes(topic: Topic) -> frozenset[str]:
    if topic.kind != "contact":
        return frozenset()
    own = {
        other.name
        for other in owned_by(topic.writer)
        if other != topic and (other.kind == "contact" or other.name.endswith(".catalog"))
    }
    return frozenset({*topic.causes, *own})


_CAUSES = {name: _causes(topic) for name, topic in TOPICS.items()}
WRITING_ORDER = {name: place for place, name in enumerate(TOPICS)}


def causes_of(topic: str) -> frozenset[str]:
    """Return the topics that a record of `topic` may name in `ce_after`: declared causes, and its writer's own topics.

    A catalog record names none: a catalog is read before anything else.
    """
    return _CAUSES[topic]
