"""The page of suppressed addresses."""

from uuid import UUID

from fastapi import Response

from services.console.api.forms import Form, read_form
from services.console.api.languages import _, counted
from services.console.api.lists import listing
from services.console.api.page import AccountPage, OfAccount
from services.console.apis.client import ApiProblem, Json
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/settings/suppressions", include_in_schema=False)


@router.get("")
async def suppressions(page: OfAccount) -> Response:
    """List the suppressions, without addresses, because only hashes are stored."""
    return await _list(page, Form(), None)


@router.post("")
async def add(page: OfAccount) -> Response:
    """Suppress addresses."""
    page.require("write")
    form = await read_form(page.request)
    emails = _addresses_in(form["emails"])
    body: Json = {"emails": emails}
    if form["reason"]:
        body["reason"] = form["reason"]
    try:
        await page.api.post("labeling", "/v1/suppressions", body)
    except ApiProblem as problem:
        form.refuse(problem)
        return await _list(page, form, None, status=422)
    notice = counted("%(num)s address is suppressed.", "%(num)s addresses are suppressed.", len(emails))
    return page.go(page.url("settings/suppressions"), notice)


@router.post("/lookup")
async def look_up(page: OfAccount) -> Response:
    """Show which of some addresses are suppressed."""
    form = await read_form(page.request)
    try:
        answer = await page.api.post(
            "labeling", "/v1/suppressions/lookup", {"emails": _addresses_in(form["looked_up"])}
        )
    except ApiProblem as problem:
        form.refuse(problem, {"/emails": "looked_up"})
        return await _list(page, form, None, status=422)
    return await _list(page, form, answer["items"])


@router.post("/{suppression_id}/delete")
async def lift(page: OfAccount, suppression_id: UUID) -> Response:
    """Lift a suppression."""
    page.require("write")
    await page.api.delete("labeling", f"/v1/suppressions/{suppression_id}")
    return page.go(
        page.url("settings/suppressions"), _("The suppression is lifted; only the contact can subscribe again.")
    )


async def _list(page: AccountPage, form: Form, looked_up: list[Json] | None, status: int = 200) -> Response:
    cursor = page.request.query_params.get("cursor")
    answer = await page.api.get("labeling", "/v1/suppressions", limit=50, cursor=cursor)
    shown = listing(page.request, answer, {})
    return page.show("suppressions.html", status=status, here="settings", form=form, list=shown, found=looked_up)


def _addresses_in(text: str) -> list[str]:
    return [part for part in text.replace(",", " ").replace(";", " ").split() if part]
