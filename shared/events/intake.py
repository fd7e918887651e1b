"""Reports of clicks and engagements, which integrations write to the intake topics.

Integrations may use any partitioner. A report names its contact in one of three ways, and gets a partition number only
once the contact is known. Over HTTP the key determines the account: `ClickReport` and `EngagementReport` are the parts
that HTTP and Kafka share.
"""

from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, ClassVar, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import to_json

from shared.events.envelope import AccountId, ContactId, Instant, Optional, contract
from shared.events.parts import Send, Verdict

HEADERS_KEPT = (
    "accept",
    "accept-language",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-user",
    "sec-purpose",
    "purpose",
    "x-purpose",
    "x-moz",
    "referer",
    "accept-encoding",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
)
DATA_BYTES = 16 * 1024
NO_NUL = r"^[^\x00]*$"  # allowed in JSON, but not in PostgreSQL's texts

# No newsletter is older; and computing with days, weeks and time zones stays within the limits of the calendar.
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def _storable(data: dict[str, object]) -> dict[str, object]:
    """Return `data` unchanged. Raises ValueError if it is too large, or has values that PostgreSQL cannot store."""
    if len(to_json(data, inf_nan_mode="constants")) > DATA_BYTES:
        raise ValueError(f"is larger than {DATA_BYTES} bytes as JSON")
    remaining: list[object] = [data]
    while remaining:
        value = remaining.pop()
        if isinstance(value, dict):
            remaining += [*value, *value.values()]
        elif isinstance(value, list):
            remaining += value
        elif (isinstance(value, str) and "\x00" in value) or (isinstance(value, float) and not isfinite(value)):
            raise ValueError("contains a NUL character, or a number that is not finite")
    return data


def _within_supported_years(instant: datetime) -> datetime:
    if not FIRST <= instant < LAST:
        raise ValueError("is before 1990 or after 9998")
    return instant


HISTORY = "True for historical events: they are counted and assign labels, but start no workflow."
Text = Annotated[str, Field(pattern=NO_NUL)]
Reported = Annotated[Instant, AfterValidator(_within_supported_years)]
AttributeName = Annotated[str, Field(min_length=1, max_length=100, pattern=NO_NUL)]
Attribute = (
    bool
    | Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
    | float
    | Annotated[str, Field(max_length=1000, pattern=NO_NUL)]
)


class ContactReference(BaseModel):
    """A contact, identified in one of three ways; if several are given, the first in this order is used."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    contact_id: Annotated[Optional[ContactId], Field(description="The contact.", examples=[1042])] = None
    external_id: Annotated[Optional[str], Field(min_length=1, max_length=200, pattern=NO_NUL)] = None
    email: Annotated[Optional[str], Field(min_length=3, max_length=320, pattern=NO_NUL)] = None

    @model_validator(mode="after")
    def names_a_contact(self) -> Self:
        if self.contact_id is None and self.external_id is None and self.email is None:
            raise ValueError("identify the contact by contact_id, external_id or email")
        return self


@contract
class ReportedSend(Send):
    """A send, as integrations identify it."""

    id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=40,
            pattern=NO_NUL,
            description="The id of the campaign, the run, or other cause of the send.",
            examples=["spring-sale"],
        ),
    ]
    sent_at: Reported


class ClickReport(ContactReference):
    """A reported click; the account is known from the context. `link_id` takes precedence over `url`."""

    message_id: UUID
    link_id: Annotated[
        Optional[UUID],
        Field(description="The link that was clicked.", examples=["0190c2b1-10aa-7bbb-8ccc-1d2e3f405162"]),
    ] = None
    url: Annotated[
        Optional[str],
        Field(
            min_length=1,
            max_length=8192,
            pattern=NO_NUL,
            description="The target of the link, if its id is not known.",
        ),
    ] = None
    send: Optional[ReportedSend] = None
    occurred_at: Reported
    user_agent: Annotated[Optional[str], Field(max_length=2048, pattern=NO_NUL)] = None
    ip: Annotated[Optional[str], Field(max_length=64, pattern=NO_NUL)] = None
    method: Annotated[Optional[str], Field(max_length=16, pattern=NO_NUL)] = None
    headers: Annotated[
        Optional[Annotated[dict[Text, Text], Field(max_length=32)]],
        Field(description="The headers of the request; those that are irrelevant for the verdict are dropped."),
    ] = None
    hint: Annotated[Optional[Verdict], Field(description="The reporter's own verdict.")] = None
    delivered_at: Annotated[Optional[Reported], Field(description="When this recipient's mail was delivered.")] = None
    http_version: Annotated[
        Optional[str], Field(max_length=8, pattern=NO_NUL, description="The HTTP version, such as `1.1` or `2`.")
    ] = None
    history: Annotated[Optional[bool], Field(description=HISTORY)] = None

    @model_validator(mode="after")
    def names_a_link(self) -> Self:
        if self.link_id is None and self.url is None:
            raise ValueError("identify the link by link_id or url")
        return self


class EngagementReport(ContactReference):
    """A reported engagement: anything else that a contact did or that was done to it; the account is known from the
    context.

    `attributes` are published with the event and must not contain personal data; `data` (16 kB as JSON) stays in
    labeling.
    """

    kind: Annotated[
        str,
        Field(
            min_length=1,
            max_length=100,
            pattern=NO_NUL,
            description="What happened, such as `form.submitted`. Open.",
            examples=["form.submitted"],
        ),
    ]
    ref: Annotated[
        Optional[str],
        Field(
            min_length=1,
            max_length=200,
            pattern=NO_NUL,
            description="The customer's name for the form, survey, page or file.",
            examples=["contest-spring"],
        ),
    ] = None
    message_id: Optional[UUID] = None
    send: Optional[ReportedSend] = None
    occurred_at: Reported
    history: Annotated[Optional[bool], Field(description=HISTORY)] = None
    attributes: Annotated[
        dict[AttributeName, Attribute],
        Field(
            max_length=20,
            description="Further properties by name; they are published and must not contain personal data.",
            examples=[{"pets": 2}],
        ),
    ] = Field(default_factory=dict)
    data: Annotated[
        Optional[Annotated[dict[str, object], AfterValidator(_storable)]],
        Field(description="Data that is stored but never published, such as the answers of a survey; 16 kB as JSON."),
    ] = None


class ClickReported(ClickReport):
    """A record of `intake.clicks`."""

    name: ClassVar[Literal["ClickReported"]] = "ClickReported"
    version: ClassVar[int] = 1
    topic: ClassVar[str] = "intake.clicks"

    account_id: AccountId


class EngagementReported(EngagementReport):
    """A record of `intake.engagements`."""

    name: ClassVar[Literal["EngagementReported"]] = "EngagementReported"
    version: ClassVar[int] = 1
    topic: ClassVar[str] = "intake.engagements"

    account_id: AccountId
