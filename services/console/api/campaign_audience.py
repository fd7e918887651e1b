"""The audience of a campaign before it is launched: its numbers, and the contacts behind each of them."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Response

from services.console.api.criterion_sentences import describe
from services.console.api.languages import _
from services.console.api.lists import PAGE, filters_of, listing
from services.console.api.names import Names
from services.console.api.page import AccountPage, OfAccount
from services.console.api.people import contacts_by_id
from services.console.api.sentences import recipient_status, subscription
from services.console.apis.client import ApiProblem, Json, Unreachable
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/campaigns/{campaign_id}/audience", include_in_schema=False)

STATUSES = ("audience", "held_out", "suppressed")
VARIANT_PREFIX = "."  # of a variant's name in the URL, because the name of the fallback is empty


@router.get("")
async def contacts(page: OfAccount, campaign_id: UUID) -> Response:
    """List the contacts behind a number of the audience; once the campaign is launched, its recipients."""
    filters = filters_of(page.request, "status", "reason", "block", "variant")
    campaign = await page.api.get("segmentation", f"/v1/campaigns/{campaign_id}")
    if is_launched(campaign):
        chosen = urlencode({name: value for name, value in filters.items() if value})
        return page.go(page.url(f"campaigns/{campaign_id}?{chosen}#who"))
    body = audience_body(campaign["audience"], campaign["message_id"], campaign["hold_out_percent"], campaign["id"])
    body |= {"limit": PAGE, "cursor": page.request.query_params.get("cursor"), **_subset(filters)}
    answer = await page.api.post("segmentation", "/v1/audiences/contacts", body)
    shown = listing(page.request, answer, filters)
    return page.show(
        "campaign_audience.html",
        here="campaigns",
        campaign=campaign,
        list=shown,
        chosen=_describe_choice(filters),
        people=await contacts_by_id(page.api, [one["contact_id"] for one in shown.items]),
    )


def is_launched(campaign: Json) -> bool:
    """Return whether the audience is frozen, or about to be."""
    return campaign["launched_at"] is not None and campaign["state"] not in ("draft", "scheduled")


def audience_body(audience: Json, message_id: str, percent: float, campaign_id: str | None) -> Json:
    """Return the body of a request that counts an audience; `campaign_id` decides which contacts are held out."""
    body: dict[str, Any] = {"include": audience["include"], "hold_out_percent": percent}
    if audience.get("exclude"):
        body["exclude"] = audience["exclude"]
    if message_id:
        body["message_id"] = message_id
    if campaign_id:
        body["campaign_id"] = campaign_id
    return body


async def count_audience(page: AccountPage, body: Json) -> Json | None:
    """Return the numbers of an audience; None if they are unavailable."""
    try:
        return await page.api.post("segmentation", "/v1/audiences/count", body)
    except (ApiProblem, Unreachable):
        return None


async def count_of_campaign(page: AccountPage, campaign: Json) -> Json | None:
    """Return the numbers of a campaign's audience; None if they are unavailable."""
    return await count_audience(
        page,
        audience_body(campaign["audience"], campaign["message_id"], campaign["hold_out_percent"], campaign["id"]),
    )


def part_sentences(audience: Json, names: Names) -> dict[str, str]:
    """Return a sentence for each part of an audience, by its pointer."""
    return {
        f"/{member}/{index}": describe(criterion, names)
        for member in ("include", "exclude")
        for index, criterion in enumerate(audience.get(member) or [])
    }


def part_criteria(audience: Json) -> dict[str, Json]:
    """Return the criteria of the parts of an audience, by pointer.

    The criterion at `<pointer>/only` is true for the contacts of the part that no other part of the same list includes.
    """
    parts: dict[str, Json] = {}
    for member in ("include", "exclude"):
        criteria = audience.get(member) or []
        for index, criterion in enumerate(criteria):
            others = criteria[:index] + criteria[index + 1 :]
            parts[f"/{member}/{index}"] = criterion
            parts[f"/{member}/{index}/only"] = {"all": [criterion, {"not": {"any": others}}]} if others else criterion
    return parts


def variant_of(filters: dict[str, str]) -> str:
    """Return the name of the variant in a URL; "" for the fallback."""
    return filters["variant"].removeprefix(VARIANT_PREFIX)


def describe_variant(filters: dict[str, str]) -> str:
    """Return a description of the variant and its block."""
    return _("%(variant)s in block %(block)s", variant=variant_of(filters) or _("the fallback"), block=filters["block"])


def _subset(filters: dict[str, str]) -> Json:
    subset: Json = {"status": filters["status"] if filters["status"] in STATUSES else STATUSES[0]}
    if filters["reason"] and subset["status"] == "suppressed":
        subset["reason"] = filters["reason"]
    if filters["block"] and subset["status"] == "audience":
        subset |= {"block": filters["block"], "variant": variant_of(filters)}
    return subset


def _describe_choice(filters: dict[str, str]) -> str:
    descriptions = [recipient_status(_subset(filters)["status"])]
    descriptions += [subscription(filters["reason"])] if filters["reason"] else []
    descriptions += [describe_variant(filters)] if filters["block"] else []
    sentence = ", ".join(descriptions)
    return sentence[:1].upper() + sentence[1:]
