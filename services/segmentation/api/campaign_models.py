"""Models of requests and answers about campaigns."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, NaiveDatetime

from services.segmentation.api.models import Broken, CriterionIn, Name, ReadOnly
from shared.events.segmentation import CampaignState
from shared.http.bodies import RequestBody

# A time without an offset is in the account's time zone. Of a repeated local time it is the first; a skipped local time
# is moved forward by the length of the gap.
Moment = Annotated[
    AwareDatetime | NaiveDatetime,
    Field(description="With an offset from UTC, or without one in the account's time zone."),
]


class AudienceIn(RequestBody):
    """Contacts that satisfy at least one of `include` and none of `exclude`."""

    include: Annotated[
        list[CriterionIn],
        Field(
            min_length=1,
            max_length=20,
            description="Contacts that satisfy at least one of these criteria are included.",
        ),
    ]
    exclude: Annotated[
        list[CriterionIn],
        Field(
            max_length=20,
            default_factory=list,
            description="Contacts that satisfy at least one of these criteria are excluded.",
        ),
    ]


class CampaignIn(RequestBody):
    """The body of requests that create or change a campaign. An answer can be sent back unchanged."""

    name: Annotated[Name, Field(description="1 to 100 characters.", examples=["Spring sale"])]
    message_id: Annotated[UUID, Field(description="The message to send.")]
    audience: Annotated[AudienceIn, Field(description="The audience; suppressed contacts are not sent the message.")]
    hold_out_percent: Annotated[
        float, Field(ge=0, le=100, description="The share of the audience that is held out, in percent.", examples=[5])
    ] = 0
    send_at: Annotated[Moment | None, Field(description="Launching before this time schedules it.")] = None
    expires_at: Annotated[Moment | None, Field(description="No message is sent after this time.")] = None
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
            description="Contacts that satisfy at least one of these criteria are included.",
            examples=[[{"segment": {"id": "0190c3d0-4455-7666-8777-8899aabbccdd"}}]],
        ),
    ]
    exclude: Annotated[
        list[Any],
        Field(description="Contacts that satisfy at least one of these criteria are excluded.", examples=[[]]),
    ]


class CountsOut(BaseModel):
    """Numbers of contacts by outcome."""

    audience: Annotated[int, Field(description="Contacts of the frozen audience.", examples=[1710])]
    held_out: Annotated[int, Field(description="Contacts held out.", examples=[90])]
    requested: Annotated[int, Field(description="Contacts whose message was requested.", examples=[1702])]
    skipped: Annotated[
        dict[str, int],
        Field(description="Contacts that were skipped after the freeze, by reason.", examples=[{"unsubscribed": 8}]),
    ]
    suppressed: Annotated[
        dict[str, int],
        Field(
            description="Contacts that were suppressed at the freeze, by subscription.",
            examples=[{"unsubscribed": 88, "bounced": 12}],
        ),
    ]


class LiftOut(BaseModel):
    """Shares of contacts with and without the message, as fractions, with the 95 % interval of the difference."""

    sent: Annotated[float, Field(description="Share of the contacts who were sent the message.", examples=[0.31])]
    held_out: Annotated[float, Field(description="Share of the contacts who were held out.", examples=[0.22])]
    difference: Annotated[float, Field(description="The first minus the second.", examples=[0.09])]
    lowest: Annotated[float, Field(description="Lower end of the interval.", examples=[0.01])]
    highest: Annotated[float, Field(description="Upper end of the interval.", examples=[0.17])]


class LabelLiftOut(LiftOut):
    """The lift of a label gained since the launch."""

    id: Annotated[UUID, Field(description="The label.")]
    name: Annotated[str, Field(description="Its name.", examples=["Dogs"])]


class LiftsOut(BaseModel):
    """The effect of a campaign: contacts who were sent the message compared with those held out."""

    clicked: Annotated[LiftOut, Field(description="Clicks in any message since the day of the launch.")]
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
    audience: Annotated[AudienceShown, Field(description="The audience of the campaign.")]
    hold_out_percent: Annotated[
        float, Field(description="The share of the audience that is held out, in percent.", examples=[5])
    ]
    send_at: Annotated[datetime | None, Field(description="When a scheduled campaign is launched.")] = None
    expires_at: Annotated[datetime | None, Field(description="No message is sent after this time.")] = None
    state: Annotated[CampaignState, Field(description="The state of the campaign.", examples=["done"])]
    reason: Annotated[str | None, Field(description="Why it failed.")] = None
    launched_at: Annotated[datetime | None, Field(description="When it was launched.")] = None
    created_at: Annotated[datetime, Field(description="When it was created.")]
    changed_at: Annotated[datetime, Field(description="When the campaign was last changed.")]
    counts: Annotated[
        CountsOut | None,
        Field(
            description="Only in the answer about one campaign, after its launch.",
            examples=[
                {"audience": 1710, "held_out": 90, "requested": 1702, "skipped": {"unsubscribed": 8}, "suppressed": {}}
            ],
        ),
    ] = None
    broken: Annotated[Sequence[Broken] | None, Field(description="Things that it uses and that do not exist.")] = None
    lift: Annotated[
        LiftsOut | None,
        Field(description="The effect; only in the answer about one campaign with enough contacts held out."),
    ] = None


RecipientStatus = Literal["requested", "waiting", "held_out", "skipped", "suppressed"]


class RecipientOut(BaseModel):
    """The outcome for one contact."""

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
        dict[str, str] | None, Field(description="The contact's variant of each block.", examples=[{"hero": "dogs"}])
    ] = None


class TruthOut(BaseModel):
    """The truth of a criterion of the audience for the contact at the time of the freeze."""

    pointer: Annotated[str, Field(description="Into the audience, such as `/include/0`.", examples=["/include/0"])]
    criterion: Annotated[
        dict[str, Any],
        Field(
            description="The criterion at that time.",
            examples=[{"segment": {"id": "0190c3d0-4455-7666-8777-8899aabbccdd"}}],
        ),
    ]
    segments: Annotated[
        dict[UUID, Any], Field(description="The criteria of the segments in it at that time.", examples=[{}])
    ]
    truth: Annotated[bool, Field(description="Whether it was true.", examples=[True])]


class RecipientDetails(RecipientOut):
    """The outcome for one contact, with the criteria and the time of the freeze."""

    audience: Annotated[AudienceShown | None, Field(description="The frozen criteria.")] = None
    frozen_at: Annotated[datetime | None, Field(description="When the audience was frozen.")] = None
    as_of: Annotated[date | None, Field(description="The account's day at that time.")] = None
    why: Annotated[
        Sequence[TruthOut] | None, Field(description="Whether each criterion was true for the contact at the freeze.")
    ] = None


class CountedOut(BaseModel):
    """A number of contacts, and the criterion that lists them."""

    count: Annotated[int, Field(description="The number of contacts.", examples=[412])]
    criterion: Annotated[
        dict[str, Any],
        Field(
            description="The criterion that lists them, for `POST /v1/criteria/contacts`.",
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
    url: Annotated[str, Field(description="The URL of the link.")]
    text: Annotated[str, Field(description="The text of the link.", examples=["Read the guide"])]
    clicked: Annotated[int, Field(description="How many contacts, as `count`.", examples=[412])]


class MachineClicksOut(BaseModel):
    """Clicks by machines. No criterion selects them, so their contacts cannot be listed."""

    count: Annotated[int, Field(description="The number of clicks.", examples=[96])]
    contacts: Annotated[int, Field(description="The number of contacts in whose mails they were.", examples=[31])]


class VariantOut(BaseModel):
    """The result of a variant of a block."""

    block: Annotated[str, Field(description="The block.")]
    variant: Annotated[str, Field(description="The variant; empty for the fallback.")]
    requested: Annotated[int, Field(description="Contacts whose message was requested with it.", examples=[850])]
    clicked: Annotated[int, Field(description="Those of them who clicked any link of the message.", examples=[301])]


class ReportOut(BaseModel):
    """The result of a campaign."""

    requested: Annotated[int, Field(description="Messages requested.", examples=[1702])]
    not_requested: Annotated[
        dict[str, int],
        Field(
            description="Contacts of the frozen audience that were skipped, by reason. "
            "`GET /v1/campaigns/{id}/recipients` lists them as `skipped`.",
            examples=[{"unsubscribed": 8, "consent_denied": 1}],
        ),
    ]
    sent: Annotated[CountedOut, Field(description="Contacts with a `message.sent`.")]
    bounced: Annotated[CountedOut, Field(description="Contacts whose address does not exist.")]
    refused: Annotated[CountedOut, Field(description="Contacts whose mail was refused for another reason.")]
    skipped: Annotated[CountedOut, Field(description="Contacts whose mail delivery skipped.")]
    uncertain: Annotated[CountedOut, Field(description="Contacts whose mail may or may not have been sent.")]
    complained: Annotated[CountedOut, Field(description="Contacts who complained.")]
    unsubscribed: Annotated[CountedOut, Field(description="Contacts who unsubscribed in it.")]
    clicked: Annotated[CountedOut, Field(description="Contacts with a human click.")]
    machine_clicks: Annotated[MachineClicksOut, Field(description="Clicks by machines.")]
    labels: Annotated[Sequence[GainedOut], Field(description="Labels of its links, gained by those who clicked.")]
    links: Annotated[Sequence[LinkOut], Field(description="Its links.")]
    variants: Annotated[Sequence[VariantOut], Field(description="The results of each variant of each block.")]
    lift: Annotated[
        LiftsOut | None, Field(description="The effect, if enough contacts were held out to measure it.")
    ] = None
    lift_note: Annotated[str | None, Field(description="Why there is no lift.")] = None
