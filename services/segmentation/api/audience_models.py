"""Models of requests and answers about audiences and content."""

from collections.abc import Sequence
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from services.segmentation.api.models import CriterionIn
from services.segmentation.domain.audience import PreviewStatus
from shared.http.bodies import RequestBody


class AudienceBody(RequestBody):
    """An audience to count."""

    include: Annotated[
        list[CriterionIn],
        Field(min_length=1, max_length=20, description="Contacts that satisfy one of these are included."),
    ]
    exclude: Annotated[
        list[CriterionIn],
        Field(max_length=20, default_factory=list, description="Contacts that satisfy one of these are excluded."),
    ]
    hold_out_percent: Annotated[
        float, Field(ge=0, le=100, description="The share of the audience that is held out, in percent.", examples=[5])
    ] = 0
    message_id: Annotated[UUID | None, Field(description="The message whose blocks are counted by variant.")] = None
    campaign_id: Annotated[
        UUID | None,
        Field(description="A campaign: the contacts held out are those that its launch would hold out."),
    ] = None


class SubsetBody(AudienceBody):
    """An audience, and which of its contacts are listed."""

    status: Annotated[
        PreviewStatus,
        Field(
            description="Contacts who would be sent the message, be held out, or be suppressed.", examples=["held_out"]
        ),
    ] = "audience"
    reason: Annotated[str | None, Field(max_length=100, description="Only contacts suppressed for this reason.")] = None
    block: Annotated[
        str | None,
        Field(max_length=100, description="With `variant`: a block of the message."),
    ] = None
    variant: Annotated[
        str | None,
        Field(
            max_length=100,
            description="Only contacts of the audience who would get this variant of `block`; empty for the fallback.",
        ),
    ] = None
    limit: Annotated[int, Field(ge=1, le=1000, description="Maximum number of contacts in the answer.")] = 100
    cursor: Annotated[str | None, Field(max_length=2000, description="`next_cursor` of the previous page.")] = None

    @model_validator(mode="after")
    def check_selection(self) -> Self:
        """Raise ValueError if a member of the request is missing without which others make no sense."""
        if self.reason is not None and self.status != "suppressed":
            raise ValueError("`reason` requires the status `suppressed`")
        if (self.block is None) != (self.variant is None):
            raise ValueError("`block` and `variant` must be used together")
        if self.block is not None and (self.message_id is None or self.status != "audience"):
            raise ValueError("`block` requires `message_id` and the status `audience`")
        return self


class AudiencePart(BaseModel):
    """The contribution of one criterion to an audience."""

    pointer: Annotated[str, Field(description="JSON pointer to the criterion in the request.", examples=["/include/0"])]
    count: Annotated[
        int,
        Field(
            description="Contacts that satisfy the criterion; for an excluded part, only those among the included.",
            examples=[1900],
        ),
    ]
    only_here: Annotated[
        int, Field(description="Contacts that satisfy no other part of the same kind.", examples=[1900])
    ]


class AudienceOut(BaseModel):
    """The size of an audience."""

    count: Annotated[int, Field(description="Contacts who would be sent the message.", examples=[1710])]
    held_out: Annotated[int, Field(description="Contacts that would be held out.", examples=[90])]
    suppressed: Annotated[
        dict[str, int],
        Field(
            description="Suppressed contacts, by subscription.",
            examples=[{"unsubscribed": 88, "bounced": 12}],
        ),
    ]
    parts: Annotated[Sequence[AudiencePart], Field(description="The criteria, included ones first.")]
    content: Annotated[
        dict[str, dict[str, int]] | None,
        Field(description="Contacts by variant, for each block of the message; an empty text is the fallback."),
    ] = None


class DecideBody(RequestBody):
    """Contacts whose content is decided."""

    message_id: Annotated[UUID, Field(description="The message with the blocks.")]
    contact_ids: Annotated[
        list[Annotated[int, Field(ge=1, le=2**32 - 1)]],
        Field(min_length=1, max_length=1000, description="Contacts, up to 1,000.", examples=[[1042]]),
    ]


class ContentOfContact(BaseModel):
    """The variant of each block that a contact gets."""

    contact_id: Annotated[int, Field(description="The contact.")]
    content: Annotated[
        dict[str, str],
        Field(description="The variant by block; an empty text is the fallback.", examples=[{"hero": "dogs"}]),
    ]
    why: Annotated[
        dict[str, Any] | None, Field(description="The values that the criteria read, by block; only with `explain`.")
    ] = None


class ContentOut(BaseModel):
    """The content of several contacts."""

    items: Annotated[Sequence[ContentOfContact], Field(description="The contents, in the order of the request.")]
