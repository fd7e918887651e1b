"""Triggers: patterns of events that start a run, end a wait, or end a run."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.events.labeling import Scalar

# Origins that concern a label as a whole: workflows start on these only if a trigger names them.
SILENT_ORIGINS = frozenset({"label_deleted", "label_merged", "contact_merged", "reclassified", "relabeled", "undo"})
THIS_RUN = "this_run"  # used as the id of a send: the messages of the run itself

SendId = Annotated[str, Field(min_length=1, max_length=40)]
Url = Annotated[str, Field(min_length=1, max_length=8192)]


class Strict(BaseModel):
    """The base of parts of a definition: unknown members are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_by_name=True)


class OnLabel(Strict):
    """A label is assigned, or removed. `origins`: only by these kinds of origin.

    `include_existing`: activating the workflow also starts runs for the contacts that hold the label already.
    """

    on: Literal["LabelAssigned", "LabelRemoved"]
    label: UUID
    origins: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=40)], ...] | None, Field(min_length=1)] = (
        None
    )
    include_existing: bool = False


class OnSegment(Strict):
    """A segment is entered, or left. `include_existing`: also entries that the definition of the segment caused."""

    on: Literal["SegmentEntered", "SegmentLeft"]
    segment: UUID
    include_existing: bool = False


class OnClick(Strict):
    """A human click that matches all given selectors."""

    on: Literal["ContactClicked"]
    label: UUID | None = None
    message: UUID | None = None
    link: UUID | None = None
    send: SendId | None = None
    url: Url | None = None
    url_starts_with: Url | None = None


class OnEngagement(Strict):
    """An engagement. `where`: attributes that must have exactly these values."""

    on: Literal["ContactEngaged"]
    kind: Annotated[str, Field(min_length=1, max_length=100)]
    ref: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    message: UUID | None = None
    send: SendId | None = None
    where: Annotated[dict[str, Scalar], Field(max_length=20)] | None = None


Trigger = Annotated[OnLabel | OnSegment | OnClick | OnEngagement, Field(discriminator="on")]
