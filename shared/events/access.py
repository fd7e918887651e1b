"""Kafka's access rules, derived from the registry of topics, for an operator's cluster."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from shared.events.topics import TOPICS, Topic

SERVICES = ("tracking", "labeling", "segmentation", "workflow", "delivery")

Resource = Literal["topic", "group", "transactional-id"]


class Grant(NamedTuple):
    """A right of a service on a resource: a topic, a consumer group, a transactional id.

    `prefixed`: on all resources whose names begin with `name`.
    """

    service: str
    resource: Resource
    name: str
    operations: tuple[str, ...]
    prefixed: bool = False


def grants(topic_prefix: str = "") -> list[Grant]:
    """Return exactly the rights that each service needs.

    Services need no right to create topics: an operator creates them, or another user. `Describe` on every topic is for
    the check at the start that all topics exist with the same number of partitions.
    """
    return [grant for service in SERVICES for grant in _of_service(service, topic_prefix)]


def _of_service(service: str, prefix: str) -> Iterator[Grant]:
    for topic in TOPICS.values():
        yield Grant(service, "topic", prefix + topic.name, _operations(service, topic))
    yield Grant(service, "group", f"{prefix}penchant.{service}.", ("Read", "Describe"), prefixed=True)
    yield Grant(service, "transactional-id", f"{prefix}penchant.{service}", ("Write", "Describe"))


def _operations(service: str, topic: Topic) -> tuple[str, ...]:
    # The owner reads the ends of its topics at the start: they must not be ahead of its event table.
    owns = topic.writer == service
    reads = service in topic.readers or (owns and topic.kind != "dead")
    writes = owns or service in topic.reporters
    return (*(("Read",) if reads else ()), *(("Write",) if writes else ()), "Describe")
