"""Reads the metrics of one process of a service: lag, jobs, dead letters."""

from prometheus_client.parser import text_string_to_metric_families

from services.console.api.page import Page
from services.console.apis.client import ServiceName, Unreachable

_SHORT_NAMES = {
    "penchant_consumer_lag_records": "lag",
    "penchant_unpublished_events": "unpublished",
    "penchant_jobs_open": "jobs",
    "penchant_dead_letters_total": "dead_letters",
}


async def metrics_of(page: Page, service: ServiceName) -> dict[str, int]:
    """Return the sums of some metrics by short name; empty if metrics are served on another port."""
    try:
        answer = await page.console.platform.send(service, "GET", "/metrics", timeout=5)
    except Unreachable:
        return {}
    if answer.status_code != 200:
        return {}
    return sums_in(answer.text)


def sums_in(text: str) -> dict[str, int]:
    """Return the sums, over all label values, of the page's metrics in a text for Prometheus."""
    sums: dict[str, int] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = _SHORT_NAMES.get(sample.name)
            if name is not None:
                sums[name] = sums.get(name, 0) + int(sample.value)
    return sums
