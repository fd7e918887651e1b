"""`/v1/campaigns`."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response

from services.segmentation.api.campaign_models import (
    AudienceShown,
    CampaignIn,
    CampaignOut,
    CountedOut,
    CountsOut,
    GainedOut,
    LabelLiftOut,
    LiftOut,
    LiftsOut,
    LinkOut,
    MachineClicksOut,
    RecipientDetails,
    RecipientOut,
    RecipientStatus,
    ReportOut,
    TruthOut,
    VariantOut,
)
from services.segmentation.api.models import Broken, ContactKey
from services.segmentation.api.refusals import refusals
from services.segmentation.api.state import State
from services.segmentation.domain.campaigns import Campaign, instant_of
from services.segmentation.domain.errors import SlicesUnavailable
from services.segmentation.domain.lift import MIN_HELD_OUT
from services.segmentation.use_cases.audiences import WrittenAudience
from services.segmentation.use_cases.campaign_recipients import RecipientFilter, RecipientReport, truths_of
from services.segmentation.use_cases.campaign_reports import CriterionCount, Lifts
from services.segmentation.use_cases.campaigns import WrittenCampaign
from shared.http.keys import Caller, requires
from shared.http.pages import Page, PageRequest, page_request
from shared.http.pointers import FieldError
from shared.http.preconditions import Preconditions, etag_of, preconditions
from shared.http.problems import Problem
from shared.http.routing import Router

router = Router(tags=["campaigns"])


@router.post("/v1/campaigns", status_code=201, response_model=CampaignOut)
async def create_campaign(request: Request, body: CampaignIn, caller: Annotated[Caller, requires("write")]) -> Response:
    """Create a draft of a campaign: one message that is sent once to an audience."""
    state = State.of(request)
    with refusals("/audience"):
        campaign = await state.campaigns.create(caller.account_id, _written_campaign(state, caller, body))
    response = Preconditions().answer(await _campaign_with_details(state, campaign), etag_of(campaign.version), 201)
    response.headers["Location"] = f"/v1/campaigns/{campaign.campaign_id}"
    return response


@router.get("/v1/campaigns")
async def list_campaigns(
    request: Request, caller: Annotated[Caller, requires("read")], page: Annotated[PageRequest, page_request()]
) -> Page[CampaignOut]:
    """List the account's campaigns, oldest first."""
    key = page.key(UUID)
    rows, total = await State.of(request).campaigns.page(caller.account_id, key[0] if key else None, page.fetch)
    return Page[CampaignOut].of(
        rows, page, key=lambda campaign: (campaign.campaign_id,), item=_campaign_out, total=total
    )


@router.get("/v1/campaigns/{campaign_id}", response_model=CampaignOut)
async def get_campaign(request: Request, campaign_id: UUID, caller: Annotated[Caller, requires("read")]) -> Response:
    """Return a campaign with its counts; `broken` lists the things that a draft uses and that do not exist."""
    state = State.of(request)
    with refusals():
        campaign = await state.campaigns.find(caller.account_id, campaign_id)
    return Preconditions().answer(await _campaign_with_details(state, campaign), etag_of(campaign.version))


@router.put("/v1/campaigns/{campaign_id}", response_model=CampaignOut)
async def change_campaign(
    request: Request,
    campaign_id: UUID,
    body: CampaignIn,
    caller: Annotated[Caller, requires("write")],
    conditions: Annotated[Preconditions, preconditions()],
) -> Response:
    """Change a campaign before its launch."""
    state = State.of(request)
    with refusals("/audience"):
        campaign = await state.campaigns.change(
            caller.account_id,
            campaign_id,
            _written_campaign(state, caller, body),
            lambda version: conditions.require(etag_of(version)),
        )
    return Preconditions().answer(await _campaign_with_details(state, campaign), etag_of(campaign.version))


@router.delete("/v1/campaigns/{campaign_id}", status_code=204)
async def delete_campaign(
    request: Request,
    campaign_id: UUID,
    caller: Annotated[Caller, requires("write")],
    conditions: Annotated[Preconditions, preconditions()],
) -> None:
    """Delete a draft, or a campaign that has ended, with everything that is stored about its recipients."""
    with refusals():
        await State.of(request).campaigns.delete(
            caller.account_id, campaign_id, lambda version: conditions.require(etag_of(version))
        )


@router.post("/v1/campaigns/{campaign_id}/launch")
async def launch_campaign(
    request: Request, campaign_id: UUID, caller: Annotated[Caller, requires("write")]
) -> CampaignOut:
    """Launch a draft, or schedule it for `send_at`. Launching again changes nothing; 409 once it is over."""
    return await _perform(request, caller, campaign_id, State.of(request).campaigns.launch)


@router.post("/v1/campaigns/{campaign_id}/pause")
async def pause_campaign(
    request: Request, campaign_id: UUID, caller: Annotated[Caller, requires("write")]
) -> CampaignOut:
    """Pause a campaign: after this answer no message is requested until it is resumed."""
    return await _perform(request, caller, campaign_id, State.of(request).campaigns.pause)


@router.post("/v1/campaigns/{campaign_id}/resume")
async def resume_campaign(
    request: Request, campaign_id: UUID, caller: Annotated[Caller, requires("write")]
) -> CampaignOut:
    """Resume a paused campaign."""
    return await _perform(request, caller, campaign_id, State.of(request).campaigns.resume)


@router.post("/v1/campaigns/{campaign_id}/cancel")
async def cancel_campaign(
    request: Request, campaign_id: UUID, caller: Annotated[Caller, requires("write")]
) -> CampaignOut:
    """End a campaign: after this answer no message is requested."""
    return await _perform(request, caller, campaign_id, State.of(request).campaigns.cancel)


@router.get("/v1/campaigns/{campaign_id}/recipients")
async def list_recipients(
    request: Request,
    campaign_id: UUID,
    caller: Annotated[Caller, requires("read")],
    page: Annotated[PageRequest, page_request()],
    *,
    status: Annotated[
        list[RecipientStatus] | None, Query(max_length=5, description="Only contacts with one of these statuses.")
    ] = None,
    reason: Annotated[
        str | None, Query(max_length=100, description="Only contacts that were skipped or suppressed for this reason.")
    ] = None,
    block: Annotated[str | None, Query(max_length=100, description="With `variant`: a block of the message.")] = None,
    variant: Annotated[
        str | None,
        Query(max_length=100, description="Only contacts who got this variant of `block`; empty for the fallback."),
    ] = None,
    clicked: Annotated[bool, Query(description="Only contacts who clicked in the campaign.")] = False,
) -> Page[RecipientOut]:
    """List the contacts that the audience included when it was frozen, by contact id, with their outcomes.

    The parameters select the contacts behind a number of the report: `status=requested&block=hero&variant=dogs` are
    those whose message was requested with this variant, and with `clicked=true` those of them who clicked.
    """
    if (block is None) != (variant is None):
        missing, present = ("block", "variant") if block is None else ("variant", "block")
        raise Problem(
            422,
            "`block` and `variant` must be used together.",
            errors=[FieldError(f"/query/{present}", f"requires `{missing}`")],
        )
    recipient_filter = RecipientFilter(status, reason, block, variant or "", clicked)
    state = State.of(request)
    key = page.key(ContactKey)
    with refusals():
        campaign = await state.campaigns.find(caller.account_id, campaign_id)
        recipients, total = await state.recipients.recipients(
            campaign, recipient_filter, key[0] if key else 0, page.fetch
        )
    return Page[RecipientOut].of(
        recipients,
        page,
        key=lambda recipient: (recipient.contact_id,),
        item=lambda recipient: RecipientOut(**_recipient_values(recipient)),
        total=total,
    )


@router.get("/v1/campaigns/{campaign_id}/recipients/{contact_id}")
async def get_recipient(
    request: Request,
    campaign_id: UUID,
    contact_id: Annotated[int, Path(ge=1, le=2**32 - 1)],
    caller: Annotated[Caller, requires("read")],
) -> RecipientDetails:
    """Return whether a contact was in the audience, held out or skipped, with the criteria and the time of the
    freeze."""
    state = State.of(request)
    with refusals():
        campaign = await state.campaigns.find(caller.account_id, campaign_id)
    recipient, progress = await state.recipients.recipient(campaign, contact_id)
    audience = None
    if campaign.launch is not None:
        audience = AudienceShown(
            include=[portable.criterion for portable in campaign.launch.audience.include],
            exclude=[portable.criterion for portable in campaign.launch.audience.exclude],
        )
    truths = truths_of(campaign, progress, contact_id, state.recipients.partitions)
    return RecipientDetails(
        **_recipient_values(recipient),
        audience=audience,
        frozen_at=progress.frozen_at if progress else None,
        as_of=progress.as_of if progress else None,
        why=[TruthOut(**asdict(truth)) for truth in truths] or None,
    )


@router.get("/v1/campaigns/{campaign_id}/report")
async def get_report(request: Request, campaign_id: UUID, caller: Annotated[Caller, requires("read")]) -> ReportOut:
    """Return the results of a campaign; every number has the criterion that lists its contacts."""
    state = State.of(request)
    with refusals():
        campaign = await state.campaigns.find(caller.account_id, campaign_id)
        report = await state.reports.report(campaign)
    lift = _lifts_out(report.lifts)
    return ReportOut(
        requested=report.requested,
        not_requested=dict(report.not_requested),
        machine_clicks=MachineClicksOut(count=report.machine_clicks[0], contacts=report.machine_clicks[1]),
        labels=[
            GainedOut(id=label_id, name=name, gained=counted.count, **asdict(counted))
            for label_id, name, counted in report.labels
        ],
        links=[
            LinkOut(id=link.id, url=link.url, text=link.text, clicked=counted.count, **asdict(counted))
            for link, counted in report.links
        ],
        variants=[VariantOut(**asdict(variant)) for variant in report.variants],
        lift=lift,
        lift_note=None if lift is not None else _lift_note(report.held_out),
        **{name: _counted_out(counted) for name, counted in report.numbers.items()},
    )


def _lifts_out(lifts: Lifts) -> LiftsOut | None:
    if lifts.clicked is None:
        return None
    labels = [LabelLiftOut(id=label_id, name=name, **asdict(lift)) for label_id, name, lift in lifts.labels]
    return LiftsOut(clicked=LiftOut(**asdict(lifts.clicked)), labels=labels)


def _lift_note(held_out: int) -> str:
    if held_out == 0:
        return f"No contacts were held out, so there is no comparison; at least {MIN_HELD_OUT} are required."
    if held_out < MIN_HELD_OUT:
        return (
            f"Too few contacts were held out to measure the effect: {held_out}; at least {MIN_HELD_OUT} are required."
        )
    return "The effect cannot be measured, because no contact was sent the message."


async def _perform(
    request: Request, caller: Caller, campaign_id: UUID, action: Callable[[int, UUID], Awaitable[Campaign]]
) -> CampaignOut:
    with refusals("/audience"):
        campaign = await action(caller.account_id, campaign_id)
    return await _campaign_with_details(State.of(request), campaign)


def _written_campaign(state: State, caller: Caller, body: CampaignIn) -> WrittenCampaign:
    zone = state.campaigns.zone(caller.account_id)
    audience = WrittenAudience(body.audience.include, body.audience.exclude, body.hold_out_percent)
    send_at, expires_at = (instant_of(moment, zone) for moment in (body.send_at, body.expires_at))
    return WrittenCampaign(body.name, body.message_id, audience, send_at, expires_at)


def _counted_out(counted: CriterionCount) -> CountedOut:
    return CountedOut(count=counted.count, criterion=counted.criterion)


def _recipient_values(recipient: RecipientReport) -> dict[str, object]:
    return {
        "contact_id": recipient.contact_id,
        "status": recipient.status,
        "reason": recipient.reason,
        "content": None if recipient.content is None else dict(recipient.content),
    }


def _campaign_out(campaign: Campaign) -> CampaignOut:
    return CampaignOut(
        id=campaign.campaign_id,
        name=campaign.name,
        version=campaign.version,
        message_id=campaign.message_id,
        revision=campaign.launch.revision if campaign.launch else None,
        audience=AudienceShown(include=campaign.include, exclude=campaign.exclude),
        hold_out_percent=campaign.hold_out_percent,
        send_at=campaign.send_at,
        expires_at=campaign.expires_at,
        state=campaign.state,
        reason=campaign.reason,
        launched_at=campaign.launched_at,
        created_at=campaign.created_at,
        changed_at=campaign.changed_at,
    )


async def _campaign_with_details(state: State, campaign: Campaign) -> CampaignOut:
    answer = _campaign_out(campaign)
    if campaign.launched_at is not None:
        answer.counts = CountsOut(**asdict(await state.recipients.counts(campaign)))
        with suppress(SlicesUnavailable):  # the answer then has no lift
            answer.lift = _lifts_out(await state.reports.lifts(campaign))
    faults = await state.campaigns.broken(campaign)
    answer.broken = [Broken(pointer=fault.pointer, detail=fault.detail) for fault in faults] or None
    return answer
