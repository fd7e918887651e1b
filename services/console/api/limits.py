"""The page of an account's limits and their usage."""

import asyncio

from fastapi import Response

from services.console.api.languages import _
from services.console.api.page import AccountPage, OfAccount
from services.console.apis.client import ServiceName
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/settings/limits", include_in_schema=False)

# The same as in docs/reference/limits.md; a test compares them with the services' limits.
MOST: dict[str, tuple[ServiceName, str, int]] = {
    "labels": ("labeling", "/v1/labels", 10_000),
    "fields": ("labeling", "/v1/fields", 500),
    "forms": ("labeling", "/v1/forms", 500),
    "segments": ("segmentation", "/v1/segments", 5_000),
    "messages": ("tracking", "/v1/messages", 10_000),
    "workflows": ("workflow", "/v1/workflows", 1_000),
}


@router.get("")
async def limits(page: OfAccount) -> Response:
    """Show the limits, including those that the operator changed for this account."""
    return page.show("limits.html", here="settings", usage=await _usage(page), names=_names())


async def _usage(page: AccountPage) -> list[tuple[str, int | None, int]]:
    answers = await asyncio.gather(*(page.api.get(service, path, limit=1) for service, path, _most in MOST.values()))
    return [(kind, answer.get("total"), MOST[kind][2]) for kind, answer in zip(MOST, answers, strict=True)]


def _names() -> dict[str, str]:
    return {
        "labels": _("Labels"),
        "fields": _("Fields of contacts"),
        "forms": _("Forms"),
        "segments": _("Segments"),
        "messages": _("Messages"),
        "workflows": _("Workflows"),
    }
