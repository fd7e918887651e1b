"""Models of requests and answers."""

import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from shared.events.envelope import Optional
from shared.http.bodies import RequestBody


def _normalize_name(value: str) -> str:
    name = unicodedata.normalize("NFC", value).strip()
    if not 1 <= len(name) <= 100:
        raise ValueError("A name has 1 to 100 characters")
    return name


# The key in the cursor of a list of contacts. It is validated, because a forged cursor may contain any value.
ContactKey = Annotated[int, Field(ge=0, le=2**32 - 1)]
Name = Annotated[str, Field(max_length=400), AfterValidator(_normalize_name)]
_DOGS, _CATS = "0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a", "0190c2a4-8f20-7d4e-8b66-2a3b4c5d6e7f"
# Parsed by `shared.criteria`, whose faults have pointers to the invalid node.
CriterionIn = Annotated[
    Any,
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "description": "A node: exactly one of all, any, not, label, clicks, engaged, field, contact, top_label, "
            "more_clicks, sample, segment.",
            "examples": [
                {"clicks": {"at_least": 3, "within_days": 30}},
                {"all": [{"contact": {"email_domain": "example.com"}}, {"contact": {"created": {"within_days": 30}}}]},
                {"field": {"key": "born", "anniversary_within_days": 7}},
                {"top_label": {"id": _DOGS, "among": [_CATS], "within_days": 90}},
                {"more_clicks": {"label": _CATS, "than": _DOGS, "times": 2}},
                {"clicks": {"label": _DOGS, "refused": True}},
                {"sample": {"percent": 10, "seed": "spring"}},
            ],
        }
    ),
]


ReadOnly = Annotated[
    Any, Field(json_schema_extra={"readOnly": True}, description="Part of answers; ignored in requests.")
]


class SegmentIn(RequestBody):
    """The body of requests that create or change a segment. An answer can be sent back unchanged."""

    name: Annotated[Name, Field(description="1 to 100 characters.", examples=["Dog lovers"])]
    criterion: Annotated[CriterionIn, Field(description="The criterion of members: one node.")]
    id: ReadOnly = None
    version: ReadOnly = None
    created_at: ReadOnly = None
    changed_at: ReadOnly = None
    count: ReadOnly = None
    as_of: ReadOnly = None
    broken: ReadOnly = None


class CriterionBody(RequestBody):
    """A criterion to count."""

    criterion: Annotated[CriterionIn, Field(description="The criterion: one node.")]


class ExplainBody(RequestBody):
    """A criterion, and the contact to explain it for."""

    criterion: Annotated[CriterionIn, Field(description="The criterion: one node.")]
    contact_id: Annotated[int, Field(ge=1, le=2**32 - 1)]


class DescribeBody(RequestBody):
    """A criterion to describe."""

    criterion: Annotated[CriterionIn, Field(description="The criterion: one node.")]
    language: Annotated[Literal["en", "nl"], Field(description="The language of the sentence.")] = "en"


class Description(BaseModel):
    """The meaning of a criterion."""

    sentence: Annotated[
        str,
        Field(
            description="A sentence in plain language.",
            examples=["Contacts who clicked at least 3 times in the last 30 days."],
        ),
    ]


class ContactsBody(RequestBody):
    """A criterion whose contacts are listed."""

    criterion: Annotated[CriterionIn, Field(description="The criterion: one node.")]
    limit: Annotated[int, Field(ge=1, le=1000, description="Maximum number of contacts in the answer.")] = 100
    cursor: Annotated[str | None, Field(max_length=2000, description="`next_cursor` of the previous page.")] = None


class DayOfInterest(BaseModel):
    """Human clicks on links with a label on one day."""

    day: Annotated[date, Field(description="A day of the account.")]
    clicks: Annotated[int, Field(description="Human clicks on that day.", examples=[214])]
    contacts: Annotated[int, Field(description="Contacts with a click on that day.", examples=[187])]


class Strength(BaseModel):
    """The number of contacts with a number of clicks."""

    clicks: Annotated[int, Field(description="A number of clicks.", examples=[3])]
    contacts: Annotated[int, Field(description="Contacts with exactly this number of clicks.", examples=[96])]


class InterestOut(BaseModel):
    """The distribution of interest in a label over days and contacts."""

    days: Annotated[Sequence[DayOfInterest], Field(description="Days with a click, in order.")]
    strengths: Annotated[Sequence[Strength], Field(description="Contacts by their number of clicks, ascending.")]


class SampleOut(BaseModel):
    """A few members of a segment."""

    items: Annotated[Sequence["Member"], Field(description="Members, spread over all of them.")]


class Broken(BaseModel):
    """Something that a segment refers to and that no longer exists, with a JSON pointer into the segment."""

    pointer: Annotated[
        str, Field(description="JSON pointer into the segment or campaign.", examples=["/criterion/clicks/label"])
    ]
    detail: Annotated[str, Field(description="What no longer exists.", examples=["the label does not exist"])]


class SegmentOut(BaseModel):
    """A segment. `count` is null while it is unavailable; `broken` is present if the segment is broken."""

    id: Annotated[UUID, Field(description="The id of the segment.", examples=["0190c3d0-4455-7666-8777-8899aabbccdd"])]
    name: Annotated[str, Field(description="The name of the segment.", examples=["Dog lovers"])]
    version: Annotated[int, Field(description="Increases with every change.", examples=[2])]
    criterion: Annotated[
        dict[str, Any],
        Field(
            description="The criterion of members, in the long form of the grammar.",
            examples=[{"clicks": {"label": "0190c2a4-7b1e-7c3d-9a55-1f2e3d4c5b6a", "at_least": 3, "within_days": 30}}],
        ),
    ]
    created_at: datetime
    changed_at: datetime
    count: Annotated[
        int | None, Field(description="The number of members; null while it cannot be counted.", examples=[1840])
    ] = None
    as_of: Annotated[
        datetime | None, Field(description="When the members were counted.", examples=["2026-03-02T09:30:00Z"])
    ] = None
    broken: Annotated[
        Optional[Sequence[Broken]],
        Field(description="Things that the criterion refers to and that no longer exist; absent if all exist."),
    ] = None


class Member(BaseModel):
    """A member of a segment."""

    contact_id: int


class EngagementKind(BaseModel):
    """A kind of engagement, as criteria name it."""

    kind: Annotated[str, Field(description="The kind, such as `form.submitted`.", examples=["form.submitted"])]
    ref: Annotated[
        str | None, Field(description="The form, survey or page; null for the kind itself.", examples=["spring-form"])
    ]


class SegmentUse(BaseModel):
    """Something that uses a segment."""

    kind: Annotated[
        str, Field(description="`segment`, `workflow`, `campaign` or `block`. Open.", examples=["workflow"])
    ]
    id: Annotated[str, Field(description="Its id; for a block, `<message id>/<block>`.", examples=[_DOGS])]
    name: Annotated[str, Field(description="Its name.", examples=["Puppy guide"])]


class DayOfSegment(BaseModel):
    """The number of members at the end of a day."""

    day: Annotated[date, Field(description="The day, in the account's time zone.", examples=["2026-03-20"])]
    count: Annotated[int, Field(description="The number of members at the end of the day.", examples=[1840])]


class SegmentSeries(BaseModel):
    """The number of members over time."""

    days: Annotated[
        list[DayOfSegment],
        Field(description="Days, oldest first. A day may be missing if no process was running at its end."),
    ]


class NodeCount(BaseModel):
    """The number of contacts for which one node of the tree is true."""

    pointer: Annotated[
        str, Field(description="JSON pointer to the node in the criterion; empty for the whole.", examples=[""])
    ]
    count: Annotated[int, Field(description="Contacts for which the node is true.", examples=[1840])]


class CountAnswer(BaseModel):
    """The number of contacts for which a criterion is true, and each of its nodes."""

    count: Annotated[int, Field(description="Contacts for which the criterion is true.", examples=[1840])]
    took_ms: Annotated[float, Field(description="The duration of the count in milliseconds.", examples=[1.2])]
    nodes: Annotated[Sequence[NodeCount], Field(description="The count for each node.")]


class StreamedCount(BaseModel):
    """An event of the stream."""

    count: Annotated[int, Field(description="Members of the segment.", examples=[1840])]
    as_of: Annotated[datetime, Field(description="When they were counted.", examples=["2026-03-02T09:30:00Z"])]
