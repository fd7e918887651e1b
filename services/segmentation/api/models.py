"""What requests and answers look like."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, SerializerFunctionWrapHandler, WithJsonSchema, model_serializer

from shared.http.bodies import RequestBody


def _name(value: str) -> str:
    name = unicodedata.normalize("NFC", value).strip()
    if not 1 <= len(name) <= 100:
        raise ValueError("A name has 1 to 100 characters")
    return name


Name = Annotated[str, Field(max_length=400), AfterValidator(_name)]
# Read by `shared.criteria`, whose faults have pointers to the wrong node.
CriterionIn = Annotated[
    Any,
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "description": "A node: exactly one of all, any, not, label, clicks, engaged, field, segment.",
            "examples": [{"clicks": {"at_least": 3, "within_days": 30}}],
        }
    ),
]


ReadOnly = Annotated[Any, Field(json_schema_extra={"readOnly": True}, description="As it was answered; passed over.")]


class SegmentIn(RequestBody):
    """A segment as it is made and changed. One that was read can be sent back as it came."""

    name: Name
    criterion: CriterionIn
    id: ReadOnly = None
    version: ReadOnly = None
    created_at: ReadOnly = None
    changed_at: ReadOnly = None
    count: ReadOnly = None
    as_of: ReadOnly = None
    broken: ReadOnly = None


class CriterionBody(RequestBody):
    """A criterion to count."""

    criterion: CriterionIn


class ExplainBody(RequestBody):
    """A criterion, and the contact to explain it for."""

    criterion: CriterionIn
    contact_id: Annotated[int, Field(ge=1, le=2**32 - 1)]


class Broken(BaseModel):
    """Something in a segment that does not exist any more; a JSON pointer into the segment."""

    pointer: str
    detail: str


class SegmentOut(BaseModel):
    """A segment. `count` is null if it could not be had just now; `broken` is there if something is."""

    id: UUID
    name: str
    version: int
    criterion: dict[str, Any]
    created_at: datetime
    changed_at: datetime
    count: int | None = None
    as_of: datetime | None = None
    broken: Sequence[Broken] | None = None

    @model_serializer(mode="wrap")
    def _without_nothing(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        if found["broken"] is None:
            del found["broken"]
        return found


class Member(BaseModel):
    """A member of a segment."""

    contact_id: int


class NodeCount(BaseModel):
    """How many contacts one node of the tree is true for."""

    pointer: str
    count: int


class Count(BaseModel):
    """How many contacts a criterion is true for, and each of its nodes; what it took, in milliseconds."""

    count: int
    took_ms: float
    nodes: Sequence[NodeCount]


class StreamedCount(BaseModel):
    """What the stream sends."""

    count: int
    as_of: datetime
