"""Jobs: work on many rows in the background."""

from shared.jobs.routes import jobs_router

router = jobs_router("/v1/jobs")
