"""Settings of the workflow service."""

from typing import Annotated

from pydantic import Field, SecretStr

from shared.settings import CommonSettings, Port


class WorkflowSettings(CommonSettings):
    """The settings of workflow, `PENCHANT_WORKFLOW_…`, in addition to the common ones."""

    workflow_database: SecretStr
    """DSN of the database: `postgresql://role:password@host:5432/database`."""
    workflow_port: Port = 8104
    """Port of the API."""
    workflow_internal_port: Port | None = None
    """If set, health, metrics and requests between processes are served only on this port."""
    workflow_projection: Annotated[int, Field(ge=1, le=32_767)] = 2
    """Version of the facts of contacts. After an increase, the topics are folded again; nothing is sent twice."""
