"""The service's own Prometheus metrics. Labels never contain ids, which grow without bound."""

from prometheus_client import Counter, Histogram

from shared.metrics import REGISTRY

RUNS_STARTED = Counter("penchant_runs_started", "Runs that started.", registry=REGISTRY)
RUNS_ENDED = Counter("penchant_runs_ended", "Runs that ended, by final state.", ("state",), registry=REGISTRY)
STEPS_TAKEN = Counter("penchant_steps_taken", "Steps that runs took, by kind.", ("kind",), registry=REGISTRY)
TIMER_DELAY = Histogram(
    "penchant_timer_delay_seconds",
    "Delay between the due time of a timer and its firing; includes outages and pauses.",
    buckets=(0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0, 86400.0),
    registry=REGISTRY,
)
EVENTS_DECIDED = Counter("penchant_events_decided", "Events that workflows processed.", registry=REGISTRY)
