"""What can be asked of a slice. Questions also travel between processes, as JSON; `answers` has what a slice says."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from services.segmentation.domain.portable import PortableAudience, PortableBlock, PortableCriterion


class CountNodes(BaseModel):
    """Asks for how many contacts each node of a criterion is true; parents first, so the first is the whole."""

    kind: Literal["count"] = "count"
    asked: PortableCriterion


class ListMembers(BaseModel):
    """The first contacts with an id above `after`, at most `limit`, and how many there are in all."""

    kind: Literal["members"] = "members"
    asked: PortableCriterion
    after: int = 0
    limit: int


class ExplainContact(BaseModel):
    """Asks what a criterion sees of one contact; null if the contact is not known."""

    kind: Literal["explain"] = "explain"
    asked: PortableCriterion
    contact_id: int


class CountAnnounced(BaseModel):
    """Asks for the announced number of members of each segment."""

    kind: Literal["announced"] = "announced"


class ListAnnounced(BaseModel):
    """The first announced members of a segment with an id above `after`, at most `limit`, and how many there are."""

    kind: Literal["announced_members"] = "announced_members"
    segment_id: UUID
    after: int = 0
    limit: int


class CountAudience(BaseModel):
    """Asks for the size of an audience: parts, contacts held out and suppressed, and the variants that they get."""

    kind: Literal["audience"] = "audience"
    audience: PortableAudience
    blocks: list[PortableBlock] = []


class DecideContent(BaseModel):
    """The content of contacts. `explain`: also what every criterion saw, up to the variant that was chosen."""

    kind: Literal["content"] = "content"
    blocks: list[PortableBlock]
    contact_ids: list[int]
    explain: bool = False


class SamplePage(BaseModel):
    """A few contacts who satisfy a criterion, spread over them."""

    kind: Literal["sample"] = "sample"
    asked: PortableCriterion
    limit: int


class LabelInterest(BaseModel):
    """Clicks on a label by day (ordinals from `first` to `last`), and how many contacts have clicked how often."""

    kind: Literal["interest"] = "interest"
    label_id: UUID
    first: int
    last: int


class CountGroups(BaseModel):
    """How many contacts each criterion is true for: among all contacts first, then in each of the groups.

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
    """Which kinds of engagements contacts had, and about what: a pair of kind and reference for each, null for none."""

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
    | DecideContent
    | SamplePage
    | LabelInterest,
    Field(discriminator="kind"),
]
