"""List the contacts behind a number: those for whom a criterion is true."""

import json
from typing import Any

from fastapi import Response

from services.console.api.counting import counts_of
from services.console.api.criterion_sentences import sentence_of
from services.console.api.languages import _
from services.console.api.lists import PAGE, filters_of, listing
from services.console.api.names import load_names
from services.console.api.page import AccountPage, OfAccount
from services.console.api.people import contacts_by_id
from services.console.apis.client import ApiProblem, Json
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/people", include_in_schema=False)


@router.get("")
async def people(page: OfAccount) -> Response:
    """List the contacts that a criterion selects."""
    filters = filters_of(page.request, "criterion")
    criterion = criterion_in(filters["criterion"])
    names = await load_names(page.api, "labels", "messages", "segments", "campaigns")
    if criterion is None:
        return await _show(page, {"items": []}, filters, "", None, _("This is not a criterion."), status=422)
    body = {"criterion": criterion, "limit": PAGE, "cursor": page.request.query_params.get("cursor")}
    try:
        answer = await page.api.post("segmentation", "/v1/criteria/contacts", body)
    except ApiProblem as problem:
        if problem.status != 422:
            raise
        return await _show(page, {"items": []}, filters, "", None, problem.detail, status=422)
    (total,) = await counts_of(page.api, [criterion])
    return await _show(page, answer, filters, await sentence_of(page.api, criterion, names), total, None)


def criterion_in(text: str) -> Json | None:
    """Return the criterion in a text of JSON, or None if the text is not one."""
    try:
        criterion: Any = json.loads(text)
    except ValueError:
        return None
    return criterion if isinstance(criterion, dict) and len(criterion) == 1 else None


async def _show(
    page: AccountPage,
    answer: Json,
    filters: dict[str, str],
    sentence: str,
    total: int | None,
    trouble: str | None,
    status: int = 200,
) -> Response:
    shown = listing(page.request, answer, filters)
    return page.show(
        "chosen_people.html",
        status=status,
        here="contacts",
        list=shown,
        people=await contacts_by_id(page.api, [one["contact_id"] for one in shown.items]),
        sentence=sentence,
        total=total,
        trouble=trouble,
    )
