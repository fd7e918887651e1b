"""All routers of the service."""

from services.workflow.api import runs, trying, workflows

ROUTERS = (workflows.router, trying.router, runs.router)
