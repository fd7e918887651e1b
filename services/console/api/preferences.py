"""Links to a contact's preference page."""

import json

from fastapi import Response
from fastapi.responses import RedirectResponse

from services.console.api.languages import _
from services.console.api.page import AccountPage, OfAccount
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}", include_in_schema=False)


@router.get("/contacts/{contact_id}/preferences")
async def of_contact(page: OfAccount, contact_id: int) -> Response:
    """Redirect to the preference page of a contact."""
    page.require("write")
    return await _redirect(page, contact_id, page.url(f"contacts/{contact_id}"))


@router.get("/settings/preferences")
async def of_any_contact(page: OfAccount) -> Response:
    """Redirect to the preference page of any contact."""
    page.require("write")
    contacts = (await page.api.get("labeling", "/v1/contacts", limit=1))["items"]
    back = page.url("settings")
    return await _redirect(page, contacts[0]["contact_id"], back) if contacts else page.go(back, _no_page())


async def _redirect(page: AccountPage, contact_id: int, back: str) -> Response:
    # The token of any mail opens the page; tracking knows its URL.
    messages = (await page.api.get("tracking", "/v1/messages", limit=1))["items"]
    if not messages:
        return page.go(back, _no_page())
    body = {"contact_ids": [contact_id]}
    path = f"/v1/messages/{messages[0]['id']}/tokens"
    answer = await page.api.send("tracking", "POST", path, json=body, params={"links": "false"})
    token = json.loads(answer.text.splitlines()[0])["token"]
    redirect = await page.api.send("tracking", "GET", f"/p/{token}")
    return RedirectResponse(redirect.headers["Location"], 303)


def _no_page() -> str:
    return _("The page is opened from a mail: add a contact and a message first.")
