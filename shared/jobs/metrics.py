"""The metrics of the job runner."""

from prometheus_client import Counter, Gauge, Histogram

from shared.metrics import REGISTRY

OPEN_JOBS = Gauge("penchant_jobs_open", "Jobs that are queued or running.", ("kind", "state"), registry=REGISTRY)
OLDEST_QUEUED = Gauge(
    "penchant_jobs_oldest_queued_seconds", "How long the oldest queued job has been waiting.", registry=REGISTRY
)
STEP_SECONDS = Histogram(
    "penchant_job_step_seconds",
    "Time of one step of a job, commit included.",
    ("kind",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    registry=REGISTRY,
)
JOBS_ENDED = Counter(
    "penchant_jobs_ended", "Jobs that ended, by their last state.", ("kind", "state"), registry=REGISTRY
)
TAKEOVERS = Counter("penchant_job_takeovers", "Jobs taken over from a worker that disappeared.", registry=REGISTRY)
