"""Labeling's metrics, in addition to those of the runtime."""

from prometheus_client import Counter

from shared.metrics import REGISTRY

COMMANDS_REFUSED = Counter(
    "penchant_labeling_commands_refused", "Commands without effect, by reason.", ("reason",), registry=REGISTRY
)
ENGAGEMENTS = Counter(
    "penchant_labeling_engagements", "Reports of engagements, by outcome.", ("outcome",), registry=REGISTRY
)
