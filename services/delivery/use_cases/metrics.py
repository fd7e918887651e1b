"""What delivery counts, beside what the runtime counts."""

from prometheus_client import Counter

from shared.metrics import REGISTRY

MAILS = Counter("penchant_delivery_mails", "Mails, by what became of them.", ("outcome",), registry=REGISTRY)
