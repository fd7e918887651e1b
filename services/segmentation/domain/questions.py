"""Questions to a slice, which are also sent between processes as JSON; `answers` computes the answers."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.segmentation.domain.audience import Subset
from services.segmentation.domain.portable import PortableAudience, PortableBlock, PortableCriterion


class CountNodes(BaseModel):
    """Asks for the number of contacts for each node of a criterion; parents first, so the first is the root."""

    kind: Literal["count"] = "count"
    asked: PortableCriterion


class ListMembers(BaseModel):
    """Asks for the first contacts with an id above `after`, at most `limit`, and the total number."""

    kind: Literal["members"] = "members"
    asked: PortableCriterion
    after: int = 0
    limit: int


class ExplainContact(BaseModel):
    """Asks for the explanation of a criterion for one contact; null if the contact is unknown."""

    kind: Literal["explain"] = "explain"
    asked: PortableCriterion
    contact_id: int


class CountAnnounced(BaseModel):
    """Asks for the announced number of members of each segment."""

    kind: Literal["announced"] = "announced"


class ListAnnounced(BaseModel):
    """Asks for the first announced members with an id above `after`, at most `limit`, and their total number."""

    kind: Literal["announced_members"] = "announced_members"
    segment_id: UUID
    after: int = 0
    limit: int


class CountAudience(BaseModel):
    """Asks for the size of an audience: parts, contacts held out and suppressed, and the variants that they get."""

    kind: Literal["audience"] = "audience"
    audience: PortableAudience
    blocks: list[PortableBlock] = []


class ListSubset(BaseModel):
    """Asks for the first contacts of a subset of an audience with an id above `after`, and their total number."""

    kind: Literal["subset"] = "subset"
    audience: PortableAudience
    blocks: list[PortableBlock] = []
    subset: Subset
    after: int = 0
    limit: int


class DecideContent(BaseModel):
    """Asks for the content of contacts. `explain`: also the values that each criterion up to the chosen variant
    read."""

    kind: Literal["content"] = "content"
    blocks: list[PortableBlock]
    contact_ids: list[int]
    explain: bool = False


class SamplePage(BaseModel):
    """Asks for a few contacts that satisfy a criterion, evenly spread."""

    kind: Literal["sample"] = "sample"
    asked: PortableCriterion
    limit: int


class LabelInterest(BaseModel):
    """Asks for clicks on a label by day (ordinals from `first` to `last`), and contacts by number of clicks."""

    kind: Literal["interest"] = "interest"
    label_id: UUID
    first: int
    last: int


class CountGroups(BaseModel):
    """Asks for the number of contacts for each criterion: among all contacts first, then in each of the groups.

    A group is a bitmap of indexes, in base64.
    """

    kind: Literal["groups"] = "groups"
    asked: list[PortableCriterion]
    groups: list[str]


class CountMachineClicks(BaseModel):
    """Asks for the number of clicks by machines in a send, and of their contacts."""

    kind: Literal["machine_clicks"] = "machine_clicks"
    send_id: str


class ListEngagements(BaseModel):
    """Asks for the kinds of engagements with their references: pairs of kind and reference, null for none."""

    kind: Literal["engagements"] = "engagements"


Question = Annotated[
    CountNodes
    | ListEngagements
    | CountGroups
    | CountMachineClicks
    | ListMembers
    | ExplainContact
    | CountAnnounced
    | ListAnnounced
    | CountAudience
    | ListSubset
    | DecideContent
    | SamplePage
    | LabelInterest,
    Field(discriminator="kind"),
]
