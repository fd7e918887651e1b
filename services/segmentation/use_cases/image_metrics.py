"""Metrics of the image."""

from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from services.segmentation.domain.slice import Name
from services.segmentation.use_cases.slice_memory import SliceMemory
from shared.metrics import REGISTRY

_OF_PARTS = {
    "known": "contacts",
    "created": "contacts",
    "attribute": "contacts",
    "label": "labels",
    "refused": "labels",
    "field": "fields",
    "loose": "rare",
}


def structure_of(part: Name) -> str:
    """Return the value of the metric's label `structure` for a part of the image."""
    if part[0] != "days":
        return _OF_PARTS[str(part[0])]
    return "clicks" if str(part[2]).startswith("click") else "engagements"


class ImageMetrics:
    """Collects metrics of the image. Sizes are from the last snapshot, so they may be one interval old."""

    def __init__(self, memories: Mapping[int, SliceMemory]) -> None:
        self.memories = memories

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics for Prometheus."""
        accounts = [account for memory in list(self.memories.values()) for account in list(memory.slices.values())]
        sizes: Counter[str] = Counter()
        for account in accounts:
            for part, size in account.image.sizes.items():
                sizes[structure_of(part)] += size
            sizes["members"] += sum(len(membership.announced) // 4 + 200 for membership in account.memberships.values())
        family = GaugeMetricFamily(
            "penchant_image_bytes", "Approximate memory used by the slices of this process.", labels=["structure"]
        )
        for structure, size in sorted(sizes.items()):
            family.add_metric([structure], size)
        yield family
        known = sum(len(account.image.known) for account in accounts)
        yield GaugeMetricFamily("penchant_image_contacts", "Contacts in the slices of this process.", value=known)
        tallies = sum(len(account.image.tallies) for account in accounts)
        yield GaugeMetricFamily(
            "penchant_image_tallies", "Tallies of clicks and engagements in the slices of this process.", value=tallies
        )
        yield GaugeMetricFamily(
            "penchant_image_slices", "Partition numbers whose slices this process can query.",
            value=sum(memory.ready for memory in list(self.memories.values())),
        )  # fmt: skip


_registered: list[ImageMetrics] = []  # at most one


def register_image_metrics(memories: Mapping[int, SliceMemory]) -> None:
    """Register the metrics of `memories` with Prometheus. A second call in a process replaces the memories."""
    if _registered:
        _registered[0].memories = memories
    else:
        _registered.append(ImageMetrics(memories))
        REGISTRY.register(_registered[0])
