"""What requests about campaigns and their answers look like."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, NaiveDatetime

from services.segmentation.api.models import Broken, CriterionIn, Name, ReadOnly
from shared.events.segmentation import CampaignState
from shared.http.bodies import RequestBody

# Without an offset it is a time of the account's zone: the first one if it comes twice; if the clock leaves it out, as
# much later as the clock is put forward.
Moment = Annotated[
    AwareDatetime | NaiveDatetime,
    Field(description="With an offset from UTC, or without one in the account's time zone."),
]


class AudienceIn(RequestBody):
    """Contacts that satisfy at least one of `include` and none of `exclude`."""

    include: Annotated[list[CriterionIn], Field(min_length=1, max_length=20, description="Criteria, one is enough.")]
    exclude: Annotated[
        list[CriterionIn],
        Field(max_length=20, default_factory=list, description="Contacts that satisfy one of these are left out."),
    ]


class CampaignIn(RequestBody):
    """A campaign as it is created and changed. One that was read can be sent back as it came."""

    name: Annotated[Name, Field(description="1 to 100 characters.", examples=["Spring sale"])]
    message_id: Annotated[UUID, Field(description="The message to send.")]
    audience: Annotated[AudienceIn, Field(description="Who it is for; those who may not be sent to are left out.")]
    hold_out_percent: Annotated[
        float, Field(ge=0, le=100, description="The share that is not sent to.", examples=[5])
    ] = 0
    send_at: Annotated[Moment | None, Field(description="Launching before this time schedules it.")] = None
    expires_at: Annotated[Moment | None, Field(description="Nothing is sent after this time.")] = None
    id: ReadOnly = None
    version: ReadOnly = None
    state: ReadOnly = None
    reason: ReadOnly = None
    revision: ReadOnly = None
    launched_at: ReadOnly = None
    created_at: ReadOnly = None
    changed_at: ReadOnly = None
    counts: ReadOnly = None
    broken: ReadOnly = None
    lift: ReadOnly = None


class AudienceShown(BaseModel):
    """The audience, in the long form of the grammar."""

    include: Annotated[
        list[Any],
        Field(
            description="Criteria, one is enough.",
            examples=[[{"segment": {"id": "0190c3d0-4455-7666-8777-8899aabbccdd"}}]],
        ),
    ]
    exclude: Annotated[list[Any], Field(description="Contacts that satisfy one of these are left out.", examples=[[]])]


class CountsOut(BaseModel):
    """Contacts by what happened to them."""

    audience: Annotated[int, Field(description="Contacts to send to, as they were frozen.", examples=[1710])]
    held_out: Annotated[int, Field(description="Contacts held out.", examples=[90])]
    requested: Annotated[int, Field(description="Contacts whose message was requested.", examples=[1702])]
    skipped: Annotated[
        dict[str, int],
        Field(description="Contacts who could not be sent to any more, by reason.", examples=[{"unsubscribed": 8}]),
    ]
    suppressed: Annotated[
        dict[str, int],
        Field(
            description="Contacts who could not be sent to, by subscription.",
            examples=[{"unsubscribed": 88, "bounced": 12}],
        ),
    ]


class LiftOut(BaseModel):
    """Shares of those sent to and those held out, as fractions, with the 95 % interval of the difference."""

    sent: Annotated[float, Field(description="Share of those sent to.", examples=[0.31])]
    held_out: Annotated[float, Field(description="Share of those held out.", examples=[0.22])]
    difference: Annotated[float, Field(description="The first minus the second.", examples=[0.09])]
    lowest: Annotated[float, Field(description="Lower end of the interval.", examples=[0.01])]
    highest: Annotated[float, Field(description="Upper end of the interval.", examples=[0.17])]


class LabelLiftOut(LiftOut):
    """The same for a label gained since the launch."""

    id: Annotated[UUID, Field(description="The label.")]
    name: Annotated[str, Field(description="Its name.", examples=["Dogs"])]


class LiftsOut(BaseModel):
    """The effect of a campaign: those sent to against those held out."""

    clicked: Annotated[LiftOut, Field(description="Clicks on any message since the day of the launch.")]
    labels: Annotated[
        Sequence[LabelLiftOut], Field(description="Labels of the message's links, gained since that day.")
    ]


class CampaignOut(BaseModel):
    """A campaign."""

    id: Annotated[UUID, Field(description="The campaign's id; also the id of its send.")]
    name: Annotated[str, Field(description="Its name.", examples=["Spring sale"])]
    version: Annotated[int, Field(description="Increases with every change.", examples=[2])]
    message_id: Annotated[UUID, Field(description="The message.")]
    revision: Annotated[int | None, Field(description="The message's revision, as of the launch.")] = None
    audience: Annotated[AudienceShown, Field(description="Who it is for.")]
    hold_out_percent: Annotated[float, Field(description="The share that is not sent to.", examples=[5])]
    send_at: Annotated[datetime | None, Field(description="When a scheduled campaign is launched.")] = None
    expires_at: Annotated[datetime | None, Field(description="Nothing is sent after this time.")] = None
    state: Annotated[CampaignState, Field(description="Where it is.", examples=["done"])]
    reason: Annotated[str | None, Field(description="Why it failed.")] = None
    launched_at: Annotated[datetime | None, Field(description="When it was launched.")] = None
    created_at: Annotated[datetime, Field(description="When it was created.")]
    changed_at: Annotated[datetime, Field(description="When it was changed last.")]
    counts: Annotated[
        CountsOut | None,
        Field(
            description="Only of one campaign, from the launch on.",
            examples=[
                {"audience": 1710, "held_out": 90, "requested": 1702, "skipped": {"unsubscribed": 8}, "suppressed": {}}
            ],
        ),
    ] = None
    broken: Annotated[Sequence[Broken] | None, Field(description="What it needs and does not exist.")] = None
    lift: Annotated[
        LiftsOut | None, Field(description="The effect, only of one campaign and with enough contacts held out.")
    ] = None


RecipientStatus = Literal["requested", "waiting", "held_out", "skipped", "suppressed"]


class RecipientOut(BaseModel):
    """What happened to one contact."""

    contact_id: Annotated[int, Field(description="The contact.")]
    status: Annotated[
        str,
        Field(
            description="`requested`, `waiting`, `held_out`, `skipped`, `suppressed` or `not_included`.",
            examples=["requested"],
        ),
    ]
    reason: Annotated[str | None, Field(description="Why it was skipped or suppressed.")] = None
    content: Annotated[
        dict[str, str] | None, Field(description="Its variant of each block.", examples=[{"hero": "dogs"}])
    ] = None


class TruthOut(BaseModel):
    """The truth of a criterion of the audience for the contact at the time of the freeze."""

    pointer: Annotated[str, Field(description="Into the audience, such as `/include/0`.", examples=["/include/0"])]
    criterion: Annotated[
        dict[str, Any],
        Field(
            description="The criterion as it was then.",
            examples=[{"segment": {"id": "0190c3d0-4455-7666-8777-8899aabbccdd"}}],
        ),
    ]
    segments: Annotated[
        dict[UUID, Any], Field(description="The criteria of the segments in it, as they were then.", examples=[{}])
    ]
    truth: Annotated[bool, Field(description="Whether it was true.", examples=[True])]


class RecipientDetails(RecipientOut):
    """What happened to one contact, with the criteria and the time of the freeze."""

    audience: Annotated[AudienceShown | None, Field(description="The criteria as they were frozen.")] = None
    frozen_at: Annotated[datetime | None, Field(description="When the audience was frozen.")] = None
    as_of: Annotated[date | None, Field(description="The account's day then.")] = None
    why: Annotated[
        Sequence[TruthOut] | None, Field(description="What each criterion said of the contact when it was frozen.")
    ] = None


class CountedOut(BaseModel):
    """A number of contacts, and the criterion that lists them."""

    count: Annotated[int, Field(description="How many contacts.", examples=[412])]
    criterion: Annotated[
        dict[str, Any],
        Field(
            description="For `POST /v1/criteria/contacts`.",
            examples=[{"clicks": {"send": "0190d4f1-22aa-7b01-8c3d-4e5f60718293"}}],
        ),
    ]


class GainedOut(CountedOut):
    """Contacts who clicked in this campaign and have held a label since."""

    id: Annotated[UUID, Field(description="The label.")]
    name: Annotated[str, Field(description="Its name.", examples=["Dogs"])]
    gained: Annotated[int, Field(description="How many contacts, as `count`.", examples=[412])]


class LinkOut(CountedOut):
    """Contacts who clicked on a link."""

    id: Annotated[UUID, Field(description="The link.")]
    url: Annotated[str, Field(description="Where it leads.")]
    text: Annotated[str, Field(description="What it says.", examples=["Read the guide"])]
    clicked: Annotated[int, Field(description="How many contacts, as `count`.", examples=[412])]


class MachineClicksOut(BaseModel):
    """Clicks by machines. No criterion asks for them, so none lists their contacts."""

    count: Annotated[int, Field(description="How many clicks.", examples=[96])]
    contacts: Annotated[int, Field(description="For how many contacts they were made.", examples=[31])]


class VariantOut(BaseModel):
    """The result of a variant of a block."""

    block: Annotated[str, Field(description="The block.")]
    variant: Annotated[str, Field(description="The variant; empty for the fallback.")]
    requested: Annotated[int, Field(description="Contacts whose message was requested with it.", examples=[850])]
    clicked: Annotated[int, Field(description="Those of them who clicked on any link of the message.", examples=[301])]


class ReportOut(BaseModel):
    """The result of a campaign."""

    requested: Annotated[int, Field(description="Messages requested.", examples=[1702])]
    not_requested: Annotated[
        dict[str, int],
        Field(
            description="Contacts of the frozen audience whose message was not requested any more, by reason. "
            "`GET /v1/campaigns/{id}/recipients` lists them as `skipped`.",
            examples=[{"unsubscribed": 8, "consent_denied": 1}],
        ),
    ]
    sent: Annotated[CountedOut, Field(description="Contacts with a `message.sent`.")]
    bounced: Annotated[CountedOut, Field(description="Contacts whose address does not exist.")]
    refused: Annotated[CountedOut, Field(description="Contacts whose mail was refused for another reason.")]
    skipped: Annotated[
        CountedOut, Field(description="Contacts who could not be sent to any more when delivery came to them.")
    ]
    uncertain: Annotated[CountedOut, Field(description="Contacts of whom it is not known whether they got it.")]
    complained: Annotated[CountedOut, Field(description="Contacts who complained.")]
    unsubscribed: Annotated[CountedOut, Field(description="Contacts who unsubscribed in it.")]
    clicked: Annotated[CountedOut, Field(description="Contacts with a human click.")]
    machine_clicks: Annotated[MachineClicksOut, Field(description="Clicks by machines.")]
    labels: Annotated[Sequence[GainedOut], Field(description="Labels of its links, gained by those who clicked.")]
    links: Annotated[Sequence[LinkOut], Field(description="Its links.")]
    variants: Annotated[Sequence[VariantOut], Field(description="What came of each variant of each block.")]
    lift: Annotated[
        LiftsOut | None, Field(description="The effect, if enough contacts were held out to measure it.")
    ] = None
    lift_note: Annotated[str | None, Field(description="Why there is no lift, in words.")] = None
