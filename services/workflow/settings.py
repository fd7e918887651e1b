"""What the workflow service is told by its environment."""

from typing import Annotated

from pydantic import Field, SecretStr

from shared.settings import CommonSettings, Port


class WorkflowSettings(CommonSettings):
    """`PENCHANT_WORKFLOW_…`, beside the common ones."""

    workflow_database: SecretStr
    workflow_port: Port = 8104
    workflow_internal_port: Port | None = None  # see shared.runtime.doors
    # Raising it folds the facts of contacts from the beginning of the topics again; nothing is sent a second time.
    workflow_projection: Annotated[int, Field(ge=1, le=32_767)] = 2
