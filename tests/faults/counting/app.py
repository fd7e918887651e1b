"""Wires the counting service."""

from pathlib import Path

from pydantic import SecretStr

from shared.bus.handler import Consumer
from shared.runtime.service import Resources, ServiceDefinition, ServiceParts
from shared.settings import CommonSettings, Port
from tests.faults.counting.consumers import Counting


class CountingSettings(CommonSettings):
    labeling_database: SecretStr
    labeling_port: Port = 0
    fails_on_contact: int | None = None  # the handler raises an exception on clicks of this contact
    topics: str = "tracking.clicks"  # the topics to read, separated by commas


async def build(resources: Resources) -> ServiceParts:
    settings = resources.settings
    assert isinstance(settings, CountingSettings)
    topics = tuple(settings.topics.split(","))
    return ServiceParts(consumers=[Consumer("counting", topics, Counting(settings.fails_on_contact))])


SERVICE = ServiceDefinition("labeling", CountingSettings, Path(__file__).parent / "migrations", (), build)
