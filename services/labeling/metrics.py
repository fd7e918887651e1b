"""What labeling counts, beside what the runtime counts."""

from prometheus_client import Counter

from shared.metrics import REGISTRY

COMMANDS_REFUSED = Counter(
    "penchant_labeling_commands_refused", "Commands that came to nothing, by why.", ("reason",), registry=REGISTRY
)
ENGAGEMENTS = Counter(
    "penchant_labeling_engagements", "Reports of engagements, by what became of them.", ("outcome",), registry=REGISTRY
)
