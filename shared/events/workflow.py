"""What workflow publishes beside requests of messages: commands to labeling, the catalog of workflows."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.events.envelope import CatalogEvent, ContactEvent, contract
from shared.events.labeling import Scalar
from shared.events.parts import Origin


@contract
class AssignLabel(ContactEvent):
    """Asks labeling to assign a label."""

    name: ClassVar[str] = "AssignLabel"
    topic: ClassVar[str] = "workflow.commands"

    label_id: UUID
    origin: Origin


@contract
class RemoveLabel(ContactEvent):
    """Asks labeling to take a label away."""

    name: ClassVar[str] = "RemoveLabel"
    topic: ClassVar[str] = "workflow.commands"

    label_id: UUID
    origin: Origin


@contract
class SetField(ContactEvent):
    """Asks labeling to set a field of the contact, or to clear it (null)."""

    name: ClassVar[str] = "SetField"
    topic: ClassVar[str] = "workflow.commands"

    # `key` is the name on the wire; the attribute of that name is the Kafka key of every event.
    field_key: Annotated[str, Field(alias="key")]
    value: Scalar | None
    origin: Origin


@contract
class Uses:
    """What a workflow's definition refers to."""

    labels: tuple[UUID, ...] = ()
    segments: tuple[UUID, ...] = ()
    messages: tuple[UUID, ...] = ()
    fields: tuple[str, ...] = ()


@contract
class WorkflowChanged(CatalogEvent):
    """The whole definition of a workflow, with what it uses."""

    name: ClassVar[str] = "WorkflowChanged"
    topic: ClassVar[str] = "workflow.catalog"

    workflow_id: UUID
    workflow_name: str
    workflow_version: int
    state: Literal["draft", "active", "paused", "deleted"]
    definition: dict[str, Any]
    uses: Uses

    @property
    def key(self) -> str:
        return f"workflow:{self.workflow_id}"
