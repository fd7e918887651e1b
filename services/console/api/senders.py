"""The page of senders."""

from uuid import UUID

from fastapi import Response

from services.console.api.forms import Form, read_form
from services.console.api.languages import _
from services.console.api.page import AccountPage, OfAccount
from services.console.apis.client import ApiProblem
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/settings/senders", include_in_schema=False)


@router.get("")
async def senders(page: OfAccount) -> Response:
    """List the senders."""
    return await _show(page, Form())


@router.post("")
async def add(page: OfAccount) -> Response:
    """Add a sender."""
    page.require("write")
    form = await read_form(page.request)
    body = {name: form[name] for name in ("name", "email", "reply_to") if form[name]}
    try:
        await page.api.post("tracking", "/v1/senders", body)
    except ApiProblem as problem:
        form.refuse(problem)
        return await _show(page, form, status=422)
    return page.go(page.url("settings/senders"), _('The sender "%(name)s" was added.', name=form["name"]))


@router.post("/{sender_id}/delete")
async def delete(page: OfAccount, sender_id: UUID) -> Response:
    """Delete a sender, unless messages use it."""
    page.require("write")
    try:
        await page.api.delete("tracking", f"/v1/senders/{sender_id}")
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        names = ", ".join(f'"{use["name"]}"' for use in problem.uses)
        form = Form(errors={"": _("It is used by %(names)s. Choose another sender there first.", names=names)})
        return await _show(page, form, status=409)
    return page.go(page.url("settings/senders"), _("The sender is deleted."))


async def _show(page: AccountPage, form: Form, status: int = 200) -> Response:
    items = await page.api.items("tracking", "/v1/senders")
    return page.show("senders.html", status=status, here="settings", form=form, senders=items)
