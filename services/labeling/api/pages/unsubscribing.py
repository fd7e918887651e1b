"""Unsubscribing: GET asks for a confirmation, POST unsubscribes, also in one click (RFC 8058)."""

from fastapi import Response

from services.labeling.api.pages.preferences import gone, is_test
from services.labeling.api.pages.rendering import View
from services.labeling.api.pages.requests import read_token
from services.labeling.api.routing import Router
from services.labeling.api.service import Service
from services.labeling.domain.errors import NotFoundError
from services.labeling.use_cases.choices import Choice, apply_choice, load_preferences
from shared.http.allowance import Allowance
from shared.http.bodies import JsonRequest

router = Router(include_in_schema=False)
ATTEMPTS = Allowance(per_minute=30)


@router.get("/u/{token}")
async def ask(service: Service, request: JsonRequest, token: str) -> Response:
    """Ask whether the contact wants to unsubscribe."""
    try:
        recipient = read_token(service, token)
        preferences = await load_preferences(service.database, recipient.account_id, recipient.contact_id)
    except NotFoundError as error:
        return gone(request, error)
    view = View.of(request, preferences.account, preferences.contact.language)
    return view.page(
        "question.html",
        view.text("unsubscribe"),
        notice=view.text("test") if is_test(recipient) else None,
        question=view.text("unsubscribe_question"),
        action=f"/u/{token}",
        button=view.text("unsubscribe_button"),
        link={"href": f"/p/{token}", "text": view.text("to_preferences")},
    )


@router.post("/u/{token}")
async def unsubscribe(service: Service, request: JsonRequest, token: str) -> Response:
    """Unsubscribe the contact; repeating it changes nothing."""
    try:
        recipient = read_token(service, token)
        preferences = await load_preferences(service.database, recipient.account_id, recipient.contact_id)
    except NotFoundError as error:
        return gone(request, error)
    view = View.of(request, preferences.account, preferences.contact.language)
    if not ATTEMPTS.take(token):
        return view.message("too_many_title", "too_many", status=429)
    if is_test(recipient):
        return view.message("unsubscribe", "test")
    assert service.suppression is not None
    choice = Choice(
        subscribed=False,
        wording=view.text("unsubscribe_question"),
        message_id=recipient.message_id,
        send=recipient.send,
        ref="unsubscribe",
    )
    await apply_choice(service.database, service.suppression, recipient.account_id, recipient.contact_id, choice)
    link = (f"/p/{token}", "to_preferences")
    return view.message("unsubscribe", "unsubscribed", "unsubscribed_back", link=link)
