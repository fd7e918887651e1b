"""The access rules in the registry match what the services read and write in Kafka."""

import re
from pathlib import Path

import pytest

from shared.events.access import SERVICES, grants
from shared.events.topics import TOPICS, owned_by

ROOT = Path(__file__).parents[3]
KEYS = "labeling.keys"  # every service reads it, to authenticate requests


def read_by(service: str) -> set[str]:
    """Return the topics that a service names where it declares its consumers and catalogs."""
    folder = ROOT / "services" / service
    sources = [folder / "app.py", *(folder / "consumers").glob("*.py")]
    named = re.findall(r'"([a-z]+\.[a-z.]+)"', "".join(source.read_text() for source in sources))
    return {name for name in named if name in TOPICS} | {KEYS}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_may_read_what_it_consumes_and_its_own_topics(service: str) -> None:
    readable = {grant.name for grant in grants() if grant.service == service and "Read" in grant.operations}
    groups = {grant.name for grant in grants() if grant.service == service and grant.resource == "group"}
    assert readable - groups == read_by(service) | {topic.name for topic in owned_by(service)}


@pytest.mark.parametrize("service", SERVICES)
def test_only_the_owner_of_a_topic_may_write_to_it(service: str) -> None:
    owned = {topic.name for topic in TOPICS.values() if topic.writer == service}
    writers = {
        (grant.name, grant.service)
        for grant in grants()
        if grant.resource == "topic" and grant.name in owned and "Write" in grant.operations
    }
    assert writers == {(name, service) for name in owned}


def test_names_of_grants_have_the_topic_prefix() -> None:
    assert all(grant.name.startswith("shop.") for grant in grants("shop."))
    assert {grant.name for grant in grants("shop.") if grant.resource == "transactional-id"} == {
        f"shop.penchant.{service}" for service in SERVICES
    }
