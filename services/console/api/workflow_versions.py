"""Pages of the versions of a workflow: list, compare and restore them."""

import asyncio
from uuid import UUID

from fastapi import Response

from services.console.api.languages import _
from services.console.api.lists import filters_of
from services.console.api.names import load_names
from services.console.api.page import AccountPage, OfAccount
from services.console.api.workflow_steps import lines_of
from services.console.apis.client import Json
from services.console.domain.differences import Difference, differences
from services.console.domain.errors import NotFound
from services.console.domain.references import workflow_with
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/workflows/{workflow_id}/versions", include_in_schema=False)

_MOST = 1_000  # versions that are shown


@router.get("")
async def versions(page: OfAccount, workflow_id: UUID) -> Response:
    """List the versions, and show the differences between two: the last two, or those in the URL."""
    filters = filters_of(page.request, "before", "after")
    workflow, answer, names = await asyncio.gather(
        page.api.get("workflow", f"/v1/workflows/{workflow_id}"),
        page.api.get("workflow", f"/v1/workflows/{workflow_id}/versions", limit=_MOST),
        load_names(page.api, "labels", "segments", "messages"),
    )
    items = answer["items"]
    after = _find_version(items, filters["after"]) or items[0]
    earlier = next((one for one in items if one["version"] < after["version"]), None)
    before = _find_version(items, filters["before"]) or earlier
    compared: list[Difference] = []
    if before is not None:
        compared = list(differences(lines_of(before, names), lines_of(after, names)))
    return page.show(
        "workflow_versions.html",
        here="workflows",
        workflow=workflow,
        versions=items,
        before=before,
        after=after,
        compared=compared,
        lines=lines_of(after, names),
    )


@router.post("/{version}/restore")
async def restore(page: OfAccount, workflow_id: UUID, version: int) -> Response:
    """Restore an earlier version as the newest one."""
    page.require("write")
    definition = await _definition(page, workflow_id, version)
    await page.api.put("workflow", f"/v1/workflows/{workflow_id}", workflow_with(definition, lambda one: one.id))
    notice = _(
        "Version %(version)s is restored as the newest version. The version that it replaces is kept.", version=version
    )
    return page.go(page.url(f"workflows/{workflow_id}"), notice)


async def _definition(page: AccountPage, workflow_id: UUID, version: int) -> Json:
    answer = await page.api.get("workflow", f"/v1/workflows/{workflow_id}/versions", limit=_MOST)
    definition: Json | None = next((one for one in answer["items"] if one["version"] == version), None)
    if definition is None:
        raise NotFound
    return definition


def _find_version(items: list[Json], number: str) -> Json | None:
    return next((one for one in items if str(one["version"]) == number), None)
