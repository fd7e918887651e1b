"""Caches and counters that consumers update once their transaction is committed."""

from collections.abc import Mapping
from typing import TypeVar

from shared.metrics import RECORDS_DROPPED
from shared.store.unit_of_work import UnitOfWork

Key = TypeVar("Key")
Value = TypeVar("Value")

TOPIC = "intake.clicks"
MOST_REMEMBERED = 20_000


def remember(cache: dict[Key, Value], entries: Mapping[Key, Value]) -> None:
    """Add entries to a cache of at most `MOST_REMEMBERED` entries; it is cleared first if they do not fit."""
    if len(cache) + len(entries) > MOST_REMEMBERED:
        cache.clear()
    cache.update(entries)


def count_dropped(work: UnitOfWork, reasons: Mapping[str, int]) -> None:
    """Count clicks that are dropped on purpose, by reason."""

    def count() -> None:
        for reason, clicks in reasons.items():
            RECORDS_DROPPED.labels(TOPIC, reason).inc(clicks)

    if reasons:
        work.after_commit(count)
