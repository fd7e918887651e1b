"""Campaigns: one message to an audience, built with live numbers, launched with a summary, reported."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Response

from services.console.api.builder import Builder, build, load_choices, tree_of
from services.console.api.criterion_sentences import describe
from services.console.api.formats import time_zone
from services.console.api.forms import Form, read_form
from services.console.api.languages import _
from services.console.api.lists import cut, filters_of, listing
from services.console.api.names import load_names
from services.console.api.page import AccountPage, OfAccount
from services.console.api.people import people_of
from services.console.apis.client import Json, Refused
from services.console.domain.criterion_draft import draft_of
from services.console.domain.criterion_form import Node, empty_draft
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/campaigns", include_in_schema=False)

AT_WORK = ("scheduled", "launching", "sending")
STATES = ("draft", "scheduled", "launching", "sending", "paused", "done", "cancelled", "failed")


@router.get("")
async def campaigns(page: OfAccount) -> Response:
    """List the campaigns."""
    filters = filters_of(page.request, "q", "state")
    items, names = await asyncio.gather(
        page.api.items("segmentation", "/v1/campaigns"), load_names(page.api, "messages")
    )
    query = filters["q"].casefold()
    found = [
        item
        for item in items
        if query in item["name"].casefold() and (not filters["state"] or item["state"] == filters["state"])
    ]
    shown = cut(page.request, found, filters)
    return page.show("campaigns.html", here="campaigns", block="list", list=shown, names=names, states=STATES)


@router.get("/new")
async def new(page: OfAccount) -> Response:
    """Show the form of a new campaign."""
    page.require("write")
    form = Form()
    form.values["message_id"] = page.request.query_params.get("message", "")
    return await _form(page, form, _asked_for(page), None, None)


@router.post("/new")
async def create(page: OfAccount) -> Response:
    """Save a campaign as a draft, or carry out a button of the form."""
    page.require("write")
    return await _save(page, None)


@router.get("/{campaign_id}")
async def campaign(page: OfAccount, campaign_id: UUID) -> Response:
    """Show a campaign: its audience, how far it is, its report."""
    found, names = await asyncio.gather(
        page.api.get("segmentation", f"/v1/campaigns/{campaign_id}"),
        load_names(page.api, "labels", "messages", "segments"),
    )
    started = found["state"] not in ("draft", "scheduled")
    report = await page.api.find("segmentation", f"/v1/campaigns/{campaign_id}/report") if started else None
    recipients: Json = {"items": []}
    if started:
        cursor = page.request.query_params.get("cursor")
        recipients = (
            await page.api.find("segmentation", f"/v1/campaigns/{campaign_id}/recipients", limit=25, cursor=cursor)
        ) or recipients
    shown = listing(page.request, recipients, {})
    audience = found["audience"]
    return page.show_progress(
        "campaign.html",
        here="campaigns",
        campaign=found,
        names=names,
        include=[describe(one, names) for one in audience.get("include") or []],
        exclude=[describe(one, names) for one in audience.get("exclude") or []],
        report=report,
        list=shown,
        people=await people_of(page.api, [one["contact_id"] for one in shown.items]),
        counted_audience=None if started else await _count(page, audience, found),
        at_work=found["state"] in AT_WORK,
    )


@router.get("/{campaign_id}/edit")
async def edit(page: OfAccount, campaign_id: UUID) -> Response:
    """Show the form of a campaign."""
    page.require("write")
    found = await page.api.get("segmentation", f"/v1/campaigns/{campaign_id}")
    audience = found["audience"]
    include = _together(audience.get("include") or [])
    exclude = _together(audience.get("exclude") or []) if audience.get("exclude") else None
    return await _form(page, Form(), include, exclude, found)


@router.post("/{campaign_id}/edit")
async def change(page: OfAccount, campaign_id: UUID) -> Response:
    """Save the campaign, or carry out a button of the form."""
    page.require("write")
    return await _save(page, await page.api.get("segmentation", f"/v1/campaigns/{campaign_id}"))


@router.get("/{campaign_id}/launch")
async def ask_launch(page: OfAccount, campaign_id: UUID) -> Response:
    """Say who will get what."""
    page.require("write")
    found, names = await asyncio.gather(
        page.api.get("segmentation", f"/v1/campaigns/{campaign_id}"), load_names(page.api, "messages")
    )
    check = await page.api.find("tracking", f"/v1/messages/{found['message_id']}/check")
    return page.show(
        "campaign_launch.html",
        here="campaigns",
        campaign=found,
        names=names,
        counted_audience=await _count(page, found["audience"], found),
        warnings=[] if check is None else check["warnings"],
    )


@router.post("/{campaign_id}/launch")
async def launch(page: OfAccount, campaign_id: UUID) -> Response:
    """Launch the campaign."""
    return await _command(page, campaign_id, "launch", _("The campaign is launched."))


@router.post("/{campaign_id}/pause")
async def pause(page: OfAccount, campaign_id: UUID) -> Response:
    """Hold the campaign."""
    return await _command(page, campaign_id, "pause", _("Nothing more is sent until you let it go on."))


@router.post("/{campaign_id}/resume")
async def resume(page: OfAccount, campaign_id: UUID) -> Response:
    """Let the campaign go on."""
    return await _command(page, campaign_id, "resume", _("The campaign goes on."))


@router.post("/{campaign_id}/cancel")
async def cancel(page: OfAccount, campaign_id: UUID) -> Response:
    """Stop the campaign for good."""
    return await _command(page, campaign_id, "cancel", _("The campaign is cancelled. What was sent is sent."))


@router.post("/{campaign_id}/delete")
async def delete(page: OfAccount, campaign_id: UUID) -> Response:
    """Delete a draft."""
    page.require("write")
    await page.api.delete("segmentation", f"/v1/campaigns/{campaign_id}")
    return page.go(page.url("campaigns"), _("The campaign is deleted."))


async def _command(page: AccountPage, campaign_id: UUID, command: str, notice: str) -> Response:
    page.require("write")
    await page.api.post("segmentation", f"/v1/campaigns/{campaign_id}/{command}")
    return page.go(page.url(f"campaigns/{campaign_id}"), notice)


async def _save(page: AccountPage, found: Json | None) -> Response:
    form = await read_form(page.request)
    include = tree_of(form, "i")
    exclude = tree_of(form, "x") if form["x.kind"] or form["op"] == "a|exclude" else None
    if form["op"] == "a|include_all":
        exclude = None
    if form["op"]:
        return await _form(page, form, include, exclude, found)
    choices = await load_choices(page)
    parts = [await build(page, "i", include, choices, count=False)]
    if exclude is not None:
        parts.append(await build(page, "x", exclude, choices, count=False))
    if not all(part.is_ready() for part in parts):
        form.errors[""] = _("A condition is not complete yet.")
        return await _form(page, form, include, exclude, found, status=422)
    try:
        body = _body(form, parts)
        if found is None:
            saved = await page.api.post("segmentation", "/v1/campaigns", body)
        else:
            saved = await page.api.put("segmentation", f"/v1/campaigns/{found['id']}", body)
    except Refused as problem:
        form.refuse(problem)
        return await _form(page, form, include, exclude, found, status=422)
    return page.go(page.url(f"campaigns/{saved['id']}"), _("Saved. Look at the numbers, then launch it."))


def _body(form: Form, parts: list[Builder]) -> Json:
    audience: Json = {"include": [parts[0].built.criterion]}
    if len(parts) > 1:
        audience["exclude"] = [parts[1].built.criterion]
    body: Json = {"name": form["name"], "message_id": form["message_id"], "audience": audience}
    if form["hold_out_percent"]:
        body["hold_out_percent"] = int(form["hold_out_percent"]) if form["hold_out_percent"].isdecimal() else 0
    if form["send_at"]:
        body["send_at"] = datetime.fromisoformat(form["send_at"]).replace(tzinfo=time_zone.get()).isoformat()
    return body


async def _form(
    page: AccountPage, form: Form, include: Node, exclude: Node | None, found: Json | None, status: int = 200
) -> Response:
    choices = await load_choices(page)
    builders = [await build(page, "i", include, choices)]
    if exclude is not None:
        builders.append(await build(page, "x", exclude, choices))
    return page.show(
        "campaign_form.html",
        status=status,
        here="campaigns",
        form=form,
        campaign=found,
        choices=choices,
        include=builders[0],
        exclude=builders[1] if exclude is not None else None,
        send_at=_local(found["send_at"]) if found and found.get("send_at") else "",
    )


async def _count(page: AccountPage, audience: Json, found: Json) -> Json | None:
    body: dict[str, Any] = {"include": audience.get("include") or [], "message_id": found["message_id"]}
    if audience.get("exclude"):
        body["exclude"] = audience["exclude"]
    if found.get("hold_out_percent"):
        body["hold_out_percent"] = found["hold_out_percent"]
    try:
        return await page.api.post("segmentation", "/v1/audiences/count", body)
    except Refused:
        return None


def _asked_for(page: AccountPage) -> Node:
    segment = page.request.query_params.get("segment", "")
    return Node("any", parts=[Node("segment", {"segment": segment})]) if segment else empty_draft()


def _together(criteria: list[Json]) -> Node:
    return draft_of(criteria[0] if len(criteria) == 1 else {"any": criteria})


def _local(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(time_zone.get()).strftime("%Y-%m-%dT%H:%M")
