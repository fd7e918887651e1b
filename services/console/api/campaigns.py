"""Pages of campaigns: drafts, launch, progress and report."""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import Response

from services.console.api.campaign_audience import (
    count_of_campaign,
    describe_variant,
    is_launched,
    part_criteria,
    part_sentences,
    variant_of,
)
from services.console.api.campaign_form import audience_in_url, save, show_form, show_numbers, tree_of_criteria
from services.console.api.criterion_sentences import describe
from services.console.api.forms import Form, read_form
from services.console.api.languages import _
from services.console.api.lists import Listing, filters_of, listing, paginate
from services.console.api.names import Names, load_names
from services.console.api.page import AccountPage, OfAccount
from services.console.api.people import contacts_by_id
from services.console.api.sentences import recipient_status, skipped_because
from services.console.apis.client import ApiProblem, Json
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/campaigns", include_in_schema=False)

AT_WORK = ("scheduled", "launching", "sending")
RECIPIENTS = 25  # on a page
IN_AUDIENCE = ["requested", "waiting", "skipped"]
STATES = ("draft", "scheduled", "launching", "sending", "paused", "done", "cancelled", "failed")


@router.get("")
async def campaigns(page: OfAccount) -> Response:
    """List the campaigns, newest first."""
    filters = filters_of(page.request, "q", "state")
    items, names = await asyncio.gather(
        page.api.items("segmentation", "/v1/campaigns"), load_names(page.api, "messages")
    )
    query = filters["q"].casefold()
    matching = [
        item
        for item in reversed(items)
        if query in item["name"].casefold() and (not filters["state"] or item["state"] == filters["state"])
    ]
    shown = paginate(page.request, matching, filters)
    launched = [item["id"] for item in shown.items if item["launched_at"]]
    details = await page.api.each("segmentation", [f"/v1/campaigns/{one}" for one in launched])
    counts = {one["id"]: one["counts"] for one in details if one is not None}
    return page.show(
        "campaigns.html", here="campaigns", block="list", list=shown, names=names, states=STATES, counts=counts
    )


@router.get("/new")
async def new(page: OfAccount) -> Response:
    """Show the form of a new campaign."""
    page.require("write")
    form = Form()
    form.values["message_id"] = page.request.query_params.get("message", "")
    return await show_form(page, form, audience_in_url(page), None, None)


@router.post("/new")
async def create(page: OfAccount) -> Response:
    """Save a campaign as a draft, or carry out a button of the form."""
    page.require("write")
    return await save(page, await read_form(page.request), None)


@router.post("/numbers")
async def numbers(page: OfAccount) -> Response:
    """Return the numbers of the audience in a form, for htmx."""
    return await show_numbers(page, await read_form(page.request))


@router.get("/{campaign_id}")
async def campaign(page: OfAccount, campaign_id: UUID) -> Response:
    """Show a campaign: its audience, its progress, its report."""
    campaign, names = await asyncio.gather(
        page.api.get("segmentation", f"/v1/campaigns/{campaign_id}"),
        load_names(page.api, "labels", "messages", "segments"),
    )
    started = is_launched(campaign)
    audience = campaign["audience"]
    shown: dict[str, Any] = {
        "counted_audience": None,
        "report": None,
        "list": listing(page.request, _NO_RECIPIENTS, {}),
    }
    if started:
        shown |= await _outcome(page, campaign)
    else:
        shown["counted_audience"] = await count_of_campaign(page, campaign)
    return page.show_progress(
        "campaign.html",
        here="campaigns",
        campaign=campaign,
        names=names,
        started=started,
        include=[describe(one, names) for one in audience["include"]],
        exclude=[describe(one, names) for one in audience["exclude"]],
        sentences=part_sentences(audience, names),
        criteria=part_criteria(audience),
        at_work=campaign["state"] in AT_WORK,
        **shown,
    )


@router.get("/{campaign_id}/edit")
async def edit(page: OfAccount, campaign_id: UUID) -> Response:
    """Show the form of a campaign."""
    page.require("write")
    campaign = await page.api.get("segmentation", f"/v1/campaigns/{campaign_id}")
    audience = campaign["audience"]
    exclude = tree_of_criteria(audience["exclude"]) if audience["exclude"] else None
    return await show_form(page, Form(), tree_of_criteria(audience["include"]), exclude, campaign)


@router.post("/{campaign_id}/edit")
async def change(page: OfAccount, campaign_id: UUID) -> Response:
    """Save the campaign, or carry out a button of the form."""
    page.require("write")
    campaign = await page.api.get("segmentation", f"/v1/campaigns/{campaign_id}")
    return await save(page, await read_form(page.request), campaign)


@router.get("/{campaign_id}/launch")
async def ask_launch(page: OfAccount, campaign_id: UUID) -> Response:
    """Show who will get which content, before the launch."""
    page.require("write")
    return await _summary(page, campaign_id, Form())


@router.post("/{campaign_id}/launch")
async def launch(page: OfAccount, campaign_id: UUID) -> Response:
    """Launch the campaign, or schedule it."""
    page.require("write")
    try:
        launched = await page.api.post("segmentation", f"/v1/campaigns/{campaign_id}/launch")
    except ApiProblem as problem:
        form = Form()
        form.refuse(problem)
        form.errors = {"": form.error("") or next(iter(form.errors.values()))}
        return await _summary(page, campaign_id, form, status=problem.status)
    scheduled = launched["state"] == "scheduled"
    notice = _("The campaign is scheduled.") if scheduled else _("The campaign is launched.")
    return page.go(page.url(f"campaigns/{campaign_id}"), notice)


@router.post("/{campaign_id}/pause")
async def pause(page: OfAccount, campaign_id: UUID) -> Response:
    """Pause the campaign."""
    return await _command(page, campaign_id, "pause", _("Nothing more is sent until you resume it."))


@router.post("/{campaign_id}/resume")
async def resume(page: OfAccount, campaign_id: UUID) -> Response:
    """Resume the campaign."""
    return await _command(page, campaign_id, "resume", _("The campaign is resumed."))


@router.get("/{campaign_id}/cancel")
async def ask_cancel(page: OfAccount, campaign_id: UUID) -> Response:
    """Show the effect of cancelling."""
    page.require("write")
    return await _confirmation(page, campaign_id, "cancel")


@router.post("/{campaign_id}/cancel")
async def cancel(page: OfAccount, campaign_id: UUID) -> Response:
    """Cancel the campaign."""
    notice = _("The campaign is cancelled. Mails that were already sent cannot be recalled.")
    return await _command(page, campaign_id, "cancel", notice)


@router.get("/{campaign_id}/delete")
async def ask_delete(page: OfAccount, campaign_id: UUID) -> Response:
    """Show the effect of deleting."""
    page.require("write")
    return await _confirmation(page, campaign_id, "delete")


@router.post("/{campaign_id}/delete")
async def delete(page: OfAccount, campaign_id: UUID) -> Response:
    """Delete a draft, or a campaign that is over."""
    page.require("write")
    await page.api.delete("segmentation", f"/v1/campaigns/{campaign_id}")
    return page.go(page.url("campaigns"), _("The campaign is deleted."))


_NO_RECIPIENTS: Json = {"items": []}


async def _outcome(page: AccountPage, campaign: Json) -> dict[str, Any]:
    """Return the recipients and the report of the campaign."""
    path = f"/v1/campaigns/{campaign['id']}"
    cursor = page.request.query_params.get("cursor")
    filters = filters_of(page.request, "status", "reason", "block", "variant", "clicked")
    report, recipients, series = await asyncio.gather(
        page.api.find("segmentation", f"{path}/report"),
        page.api.send("segmentation", "GET", f"{path}/recipients", params=_recipient_parameters(filters, cursor)),
        page.api.find("tracking", f"/v1/messages/{campaign['message_id']}/series", by="day", send=campaign["id"]),
    )
    shown = listing(page.request, recipients.json(), filters)
    return {
        "report": report,
        "chosen": _describe_choice(shown, filters),
        "series": series,
        "list": shown,
        "people": await contacts_by_id(page.api, [one["contact_id"] for one in shown.items]),
    }


def _recipient_parameters(filters: dict[str, str], cursor: str | None) -> dict[str, Any]:
    """Return the query parameters for the recipients that the filters select."""
    parameters: dict[str, Any] = {"limit": RECIPIENTS}
    parameters |= {name: filters[name] for name in ("reason", "clicked") if filters[name]}
    parameters |= {} if cursor is None else {"cursor": cursor}
    if filters["status"]:
        parameters["status"] = IN_AUDIENCE if filters["status"] == "audience" else filters["status"]
    if filters["block"]:
        parameters |= {"block": filters["block"], "variant": variant_of(filters)}
    return parameters


def _describe_choice(shown: Listing, filters: dict[str, str]) -> str:
    """Return a description of the filters; "" if there are none."""
    if not shown.is_filtered:
        return ""
    descriptions = [recipient_status(filters["status"])] if filters["status"] else []
    descriptions += [skipped_because(filters["reason"])] if filters["reason"] else []
    if filters["block"]:
        descriptions.append(describe_variant(filters))
    descriptions += [_("clicked")] if filters["clicked"] else []
    return ", ".join(descriptions)


async def _summary(page: AccountPage, campaign_id: UUID, form: Form, status: int = 200) -> Response:
    campaign, names = await asyncio.gather(page.api.get("segmentation", f"/v1/campaigns/{campaign_id}"), _names(page))
    message_id = campaign["message_id"]
    counted, check, message = await asyncio.gather(
        count_of_campaign(page, campaign),
        page.api.find("tracking", f"/v1/messages/{message_id}/check"),
        page.api.find("tracking", f"/v1/messages/{message_id}"),
    )
    return page.show(
        "campaign_launch.html",
        status=status,
        here="campaigns",
        form=form,
        campaign=campaign,
        message=message,
        names=names,
        sentences=part_sentences(campaign["audience"], names),
        criteria=part_criteria(campaign["audience"]),
        counted_audience=counted,
        warnings=[] if check is None else check["warnings"],
    )


async def _names(page: AccountPage) -> Names:
    return await load_names(page.api, "labels", "messages", "segments")


async def _confirmation(page: AccountPage, campaign_id: UUID, command: str) -> Response:
    campaign = await page.api.get("segmentation", f"/v1/campaigns/{campaign_id}")
    return page.show("campaign_end.html", here="campaigns", campaign=campaign, command=command)


async def _command(page: AccountPage, campaign_id: UUID, command: str, notice: str) -> Response:
    page.require("write")
    await page.api.post("segmentation", f"/v1/campaigns/{campaign_id}/{command}")
    return page.go(page.url(f"campaigns/{campaign_id}"), notice)
