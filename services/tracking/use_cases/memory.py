"""Caches and counters that consumers update once their transaction is committed."""

from collections.abc import Mapping
from typing import TypeVar

from shared.metrics import RECORDS_DROPPED
from shared.store.unit_of_work import UnitOfWork

Key = TypeVar("Key")
Value = TypeVar("Value")

TOPIC = "intake.clicks"
MOST_REMEMBERED = 20_000


def remember(memory: dict[Key, Value], learned: Mapping[Key, Value]) -> None:
    """Add an entry to a cache of limited size."""
    if len(memory) + len(learned) > MOST_REMEMBERED:
        memory.clear()
    memory.update(learned)


def count_left_out(work: UnitOfWork, reasons: Mapping[str, int]) -> None:
    """Count clicks that are dropped on purpose, by reason."""

    def count() -> None:
        for reason, clicks in reasons.items():
            RECORDS_DROPPED.labels(TOPIC, reason).inc(clicks)

    if reasons:
        work.after_commit(count)
