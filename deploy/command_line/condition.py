"""Describes the metrics of a service in sentences, for operators."""

from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

Totals = Mapping[tuple[str, str], float]  # by the name of a sample and the value of its label `state`, or ""

SENTENCES = {
    ("penchant_consumer_lag_records", ""): "{:,} records behind",
    ("penchant_unpublished_events", ""): "{:,} events not yet on Kafka",
    (
        "penchant_clicks_spooled_total",
        "",
    ): "{:,} clicks were spooled to disk since it started, because Kafka was slow or unavailable",
    ("penchant_clicks_lost_total", ""): "{:,} clicks were lost since it started",
    ("penchant_held_records", "waiting"): "{:,} records wait for a contact or message that is not known yet",
    ("penchant_held_records", "failed"): "{:,} records could not be processed: `penchant dead-letters list`",
}


async def condition_of(url: str) -> list[str]:
    """Return a sentence for each problem of the service at `url`; an empty list if there are none or it does not
    answer."""
    async with httpx.AsyncClient(timeout=5) as client:
        try:
            answer = await client.get(f"{url}/metrics")
        except httpx.TransportError:
            return []  # the caller knows already that it is not ready
    return sentences_of(answer.text) if answer.is_success else []


def sentences_of(metrics: str) -> list[str]:
    """Return a sentence for each number in `metrics` (Prometheus' text format) that is not zero."""
    totals = _totals(metrics)
    return [
        sentence.format(round(totals[sample])) for sample, sentence in SENTENCES.items() if totals.get(sample, 0) > 0
    ]


def _totals(metrics: str) -> Totals:
    totals: dict[tuple[str, str], float] = {}
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            key = sample.name, sample.labels.get("state", "")
            totals[key] = totals.get(key, 0.0) + sample.value
    return totals
