"""Settings of the workflow service."""

from typing import Annotated

from pydantic import Field, SecretStr

from shared.settings import CommonSettings, Port


class WorkflowSettings(CommonSettings):
    """`PENCHANT_WORKFLOW_…`, beside the common ones."""

    workflow_database: SecretStr
    """DSN of the database: `postgresql://role:password@host:5432/database`."""
    workflow_port: Port = 8104
    """Port of the API."""
    workflow_internal_port: Port | None = None
    """If set, health, metrics and questions between processes are served there alone."""
    workflow_projection: Annotated[int, Field(ge=1, le=32_767)] = 2
    """Version of the facts of contacts. A higher one folds the topics again; nothing is sent twice."""
