"""The form of a campaign: its message, its audience with live counts, and the time at which it is sent."""

from datetime import datetime
from typing import Any

from fastapi import Response

from services.console.api.builder import Builder, build, load_choices, recent_choices, tree_of
from services.console.api.campaign_audience import audience_body, count_audience, part_sentences
from services.console.api.formats import time_zone
from services.console.api.forms import Form
from services.console.api.languages import _
from services.console.api.names import Names
from services.console.api.page import AccountPage
from services.console.apis.client import ApiProblem, Json
from services.console.domain.criterion_draft import draft_of
from services.console.domain.criterion_form import Node, criterion_of, empty_draft

_MOST_PARTS = 20  # criteria of an audience


def tree_of_criteria(criteria: list[Json]) -> Node:
    """Return the tree of a criterion that is true if one of `criteria` is."""
    if len(criteria) == 1:
        return draft_of(criteria[0])
    return draft_of({"any": criteria})


def criteria_of(criterion: Json) -> list[Json]:
    """Return the criteria of an audience: the parts of an `any`, so that each is counted, or the criterion itself."""
    parts = criterion.get("any")
    if isinstance(parts, list) and 0 < len(parts) <= _MOST_PARTS:
        return parts
    return [criterion]


def audience_in_url(page: AccountPage) -> Node:
    """Return the tree of the audience that the link from another page selects."""
    segment = page.request.query_params.get("segment", "")
    return Node("any", parts=[Node("segment", {"segment": segment})]) if segment else empty_draft()


def trees_of(form: Form) -> tuple[Node, Node | None]:
    """Return the trees of the included and of any excluded contacts, after the pressed button."""
    include = tree_of(form, "i")
    exclude = tree_of(form, "x") if form["x.kind"] or form["op"] == "a|exclude" else None
    return include, None if form["op"] == "a|include_all" else exclude


async def save(page: AccountPage, form: Form, campaign: Json | None) -> Response:
    """Save the campaign, or carry out a button of the form."""
    include, exclude = trees_of(form)
    if form["op"]:
        return await show_form(page, form, include, exclude, campaign)
    built = [criterion_of(tree) for tree in (include, exclude) if tree is not None]
    if any(one.missing for one in built):
        form.errors[""] = _("A condition is not complete yet.")
        return await show_form(page, form, include, exclude, campaign, status=422)
    body = _body(form, [one.criterion for one in built], campaign)
    if form.errors:
        return await show_form(page, form, include, exclude, campaign, status=422)
    try:
        if campaign is None:
            saved = await page.api.post("segmentation", "/v1/campaigns", body)
        else:
            saved = await page.api.put("segmentation", f"/v1/campaigns/{campaign['id']}", body)
    except ApiProblem as problem:
        form.refuse(problem)
        return await show_form(page, form, include, exclude, campaign, status=422)
    return page.go(page.url(f"campaigns/{saved['id']}"), _("Saved. Check the numbers, then launch it."))


async def show_form(
    page: AccountPage, form: Form, include: Node, exclude: Node | None, campaign: Json | None, status: int = 200
) -> Response:
    """Show the form with the size of the audience."""
    choices = await load_choices(page)
    builders = [await build(page, "i", include, choices)]
    if exclude is not None:
        builders.append(await build(page, "x", exclude, choices))
    return page.show(
        "campaign_form.html",
        status=status,
        here="campaigns",
        form=form,
        campaign=campaign,
        choices=choices,
        include=builders[0],
        exclude=builders[1] if exclude is not None else None,
        send_at=_local_time(campaign, "send_at"),
        expires_at=_local_time(campaign, "expires_at"),
        **await _numbers(page, form, builders, campaign, choices.names()),
    )


async def show_numbers(page: AccountPage, form: Form) -> Response:
    """Return the numbers of the audience in a form, for htmx."""
    choices = await recent_choices(page)
    builders = [await build(page, "i", tree_of(form, "i"), choices, count=False)]
    if form["x.kind"]:
        builders.append(await build(page, "x", tree_of(form, "x"), choices, count=False))
    return page.show("campaign_numbers.html", **await _numbers(page, form, builders, None, choices.names()))


async def _numbers(
    page: AccountPage, form: Form, builders: list[Builder], campaign: Json | None, names: Names
) -> dict[str, Any]:
    if not all(builder.is_ready() for builder in builders):
        return {"complete": False, "counted_audience": None, "sentences": {}}
    audience = _audience([builder.built.criterion for builder in builders])
    message_id = form["message_id"] or (campaign["message_id"] if campaign else "")
    body = audience_body(audience, message_id, _percent(form, campaign) or 0, campaign["id"] if campaign else None)
    return {
        "complete": True,
        "counted_audience": await count_audience(page, body),
        "sentences": part_sentences(audience, names),
    }


def _audience(criteria: list[Json]) -> Json:
    audience: Json = {"include": criteria_of(criteria[0])}
    if len(criteria) > 1:
        audience["exclude"] = criteria_of(criteria[1])
    return audience


def _body(form: Form, criteria: list[Json], campaign: Json | None) -> Json:
    percent = _percent(form, None)
    if percent is None:
        form.errors["hold_out_percent"] = _("This is not a number.")
    if not form["message_id"]:
        form.errors["message_id"] = _("Choose a message.")
    body: Json = {
        "name": form["name"],
        "message_id": form["message_id"],
        "audience": _audience(criteria),
        "hold_out_percent": percent,
    }
    for name in ("send_at", "expires_at"):
        if form[name]:
            try:
                body[name] = datetime.fromisoformat(form[name]).replace(tzinfo=time_zone.get()).isoformat()
            except ValueError:
                form.errors[name] = _("This is not a time.")
    return body


def _percent(form: Form, campaign: Json | None) -> float | None:
    """Return the share that is held out; None if the text is not a number."""
    if "hold_out_percent" not in form.values:
        return float(campaign["hold_out_percent"]) if campaign else 0.0
    try:
        return float(form["hold_out_percent"].replace(",", ".") or 0)
    except ValueError:
        return None


def _local_time(campaign: Json | None, name: str) -> str:
    instant = campaign.get(name) if campaign else None
    return datetime.fromisoformat(instant).astimezone(time_zone.get()).strftime("%Y-%m-%dT%H:%M") if instant else ""
