"""What others write: reports of clicks and of engagements.

Outsiders write these topics with any partitioner, so a report names its contact in one of three ways and is bound
to a partition number only once the contact is known. Over HTTP the account comes from the key; see
`shared.events.reports` for what both ways share.
"""

from typing import Annotated, ClassVar, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from shared.events.envelope import AccountId, ContactId, Instant, Optional, Part
from shared.events.labeling import Scalar
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
    "referer",
)


class ContactReference(Part):
    """A contact named by exactly one of its three names."""

    contact_id: Optional[ContactId] = None
    external_id: Annotated[Optional[str], Field(min_length=1, max_length=200)] = None
    email: Annotated[Optional[str], Field(min_length=3, max_length=320)] = None

    @model_validator(mode="after")
    def names_one_contact(self) -> Self:
        named = [self.contact_id, self.external_id, self.email]
        if sum(name is not None for name in named) != 1:
            raise ValueError("name the contact by exactly one of contact_id, external_id and email")
        return self


class ClickReport(ContactReference):
    """A click, as reported by whoever saw it; the account is known from elsewhere."""

    message_id: UUID
    link_id: Optional[UUID] = None
    url: Annotated[Optional[str], Field(min_length=1, max_length=8192)] = None
    send: Optional[Send] = None
    occurred_at: Instant
    user_agent: Annotated[Optional[str], Field(max_length=2048)] = None
    ip: Annotated[Optional[str], Field(max_length=64)] = None
    method: Annotated[Optional[str], Field(max_length=16)] = None
    headers: Optional[dict[str, str]] = None
    hint: Optional[Verdict] = None

    @model_validator(mode="after")
    def names_one_link(self) -> Self:
        if (self.link_id is None) == (self.url is None):
            raise ValueError("name the link by exactly one of link_id and url")
        return self


class EngagementReport(ContactReference):
    """Anything else that a contact did or had done to it, as reported; the account is known from elsewhere."""

    kind: Annotated[str, Field(min_length=1, max_length=100)]
    ref: Annotated[Optional[str], Field(min_length=1, max_length=200)] = None
    message_id: Optional[UUID] = None
    send: Optional[Send] = None
    occurred_at: Instant
    attributes: Annotated[dict[str, Scalar], Field(max_length=20)] = Field(default_factory=dict)
    data: Optional[dict[str, object]] = None


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
