"""The events of workflow, except requests of messages: commands to labeling, and the catalog of workflows."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.events.envelope import CatalogEvent, ContactEvent, contract
from shared.events.labeling import Scalar
from shared.events.parts import Origin

FromWorkflow = Annotated[
    Origin,
    Field(
        description="The step of the run that issued the command.",
        examples=[
            {
                "kind": "workflow",
                "workflow_id": "0190d5ff-1122-7333-8444-556677889900",
                "run_id": "0190d600-7788-7999-8aaa-bbccddeeff00",
                "step_id": "nurtured",
            }
        ],
    ),
]


@contract
class AssignLabel(ContactEvent):
    """Commands labeling to assign a label."""

    name: ClassVar[str] = "AssignLabel"
    topic: ClassVar[str] = "workflow.commands"

    label_id: UUID
    origin: FromWorkflow


@contract
class RemoveLabel(ContactEvent):
    """Commands labeling to remove a label."""

    name: ClassVar[str] = "RemoveLabel"
    topic: ClassVar[str] = "workflow.commands"

    label_id: UUID
    origin: FromWorkflow


@contract
class SetField(ContactEvent):
    """Commands labeling to set a field of the contact, or to clear it (null)."""

    name: ClassVar[str] = "SetField"
    topic: ClassVar[str] = "workflow.commands"

    # `key` is the name on the wire; the attribute of that name is the Kafka key of every event.
    field_key: Annotated[str, Field(alias="key", description="The key of the field.", examples=["city"])]
    value: Annotated[Scalar | None, Field(description="The new value; null clears the field.", examples=["Ghent"])]
    origin: FromWorkflow


@contract
class Uses:
    """What a workflow's definition refers to."""

    labels: Annotated[
        tuple[UUID, ...], Field(description="Ids of labels.", examples=[["0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"]])
    ] = ()
    segments: Annotated[tuple[UUID, ...], Field(description="Ids of segments.")] = ()
    messages: Annotated[
        tuple[UUID, ...], Field(description="Ids of messages.", examples=[["0190c2b0-0d0e-7f10-8a1b-2c3d4e5f6071"]])
    ] = ()
    fields: Annotated[tuple[str, ...], Field(description="Keys of fields.")] = ()


@contract
class WorkflowChanged(CatalogEvent):
    """The complete definition of a workflow, and what it uses."""

    name: ClassVar[str] = "WorkflowChanged"
    topic: ClassVar[str] = "workflow.catalog"

    workflow_id: UUID
    workflow_name: Annotated[
        str, Field(description="The name of the workflow.", examples=["Puppy guide for dog lovers"])
    ]
    workflow_version: Annotated[int, Field(description="Increases with every change.", examples=[2])]
    state: Annotated[
        Literal["draft", "active", "paused", "deleted"],
        Field(description="`active` workflows start runs.", examples=["active"]),
    ]
    definition: Annotated[
        dict[str, Any],
        Field(
            description="The complete definition: triggers, condition, steps.",
            examples=[
                {
                    "triggers": [{"on": "LabelAssigned", "label": "0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a"}],
                    "steps": [{"id": "guide", "send": {"message": "0190c2b0-0d0e-7f10-8a1b-2c3d4e5f6071"}}],
                }
            ],
        ),
    ]
    uses: Annotated[Uses, Field(description="What the definition refers to.")]

    @property
    def key(self) -> str:
        return f"workflow:{self.workflow_id}"
