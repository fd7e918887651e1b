"""Jobs: work on many rows in the background."""

from services.labeling.use_cases.jobs import WITH_RESOURCES
from shared.jobs.routes import jobs_router

router = jobs_router("/v1/jobs", WITH_RESOURCES)
