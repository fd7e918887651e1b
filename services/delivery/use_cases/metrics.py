"""Delivery's metrics, in addition to those of the runtime."""

from typing import get_args

from prometheus_client import Counter

from services.delivery.domain.outcomes import Ending
from shared.metrics import REGISTRY

MAILS = Counter("penchant_delivery_mails", "Mails, by outcome.", ("outcome",), registry=REGISTRY)
# A counter that does not start at zero shows no rate for its first mails.
for _outcome in (*get_args(Ending), "retried"):
    MAILS.labels(_outcome)
