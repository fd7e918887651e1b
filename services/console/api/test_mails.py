"""Sends test mails, rendered for a contact."""

from uuid import UUID

from fastapi import Response

from services.console.api.forms import Form, read_form
from services.console.api.languages import _, counted
from services.console.api.page import AccountPage, OfAccount
from services.console.api.people import find_contact
from services.console.apis.client import ApiProblem
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/messages/{message_id}/test", include_in_schema=False)


@router.get("")
async def ask(page: OfAccount, message_id: UUID) -> Response:
    """Ask for the addresses and the contact."""
    page.require("write")
    form = Form()
    form.values.update(page.request.query_params)
    return await _form(page, message_id, form)


@router.post("")
async def send(page: OfAccount, message_id: UUID) -> Response:
    """Send the test mails."""
    page.require("write")
    form = await read_form(page.request)
    emails = [part for part in form["emails"].replace(";", ",").replace(",", " ").split() if part]
    content = {name.removeprefix("content."): form[name] for name in form.values if name.startswith("content.")}
    body: dict[str, object] = {"message_id": str(message_id), "emails": emails, "content": content}
    if form["contact"]:
        contact = await find_contact(page.api, form["contact"])
        if contact is None:
            form.errors["contact"] = _("There is no such contact.")
            return await _form(page, message_id, form, status=422)
        body["as_contact_id"] = contact["contact_id"]
    try:
        sent = await page.api.post("delivery", "/v1/test-mails", body)
    except ApiProblem as problem:
        form.refuse(problem, {"/as_contact_id": "contact"})
        return await _form(page, message_id, form, status=422)
    back = f"campaigns/{form['campaign']}" if _is_id(form["campaign"]) else f"messages/{message_id}"
    return page.go(
        page.url(back), counted("A test mail is on its way.", "%(num)s test mails are on their way.", sent["count"])
    )


async def _form(page: AccountPage, message_id: UUID, form: Form, status: int = 200) -> Response:
    message = await page.api.get("tracking", f"/v1/messages/{message_id}")
    return page.show(
        "test_mail.html",
        status=status,
        here="messages",
        form=form,
        message=message,
        own_address=page.person.email or "",
        can_send=page.api.has("delivery"),
    )


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
