"""The preference page: GET shows it, POST saves the choice."""

from itertools import groupby
from typing import Any, cast
from uuid import UUID

from fastapi import Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.labeling.api.pages.rendering import View
from services.labeling.api.pages.requests import Form, first, read_form, read_token
from services.labeling.api.routing import Router
from services.labeling.api.service import Service
from services.labeling.domain.errors import NotFoundError
from services.labeling.domain.labels import Label
from services.labeling.use_cases.choices import Choice, Preferences, apply_choice, load_preferences
from shared.events.labeling import TrackingConsent
from shared.http.allowance import Allowance
from shared.http.bodies import JsonRequest
from shared.tokens import TokenContents

router = Router(include_in_schema=False)
CHANGES = Allowance(per_minute=30)


@router.get("/p/{token}")
async def show(service: Service, request: JsonRequest, token: str, saved: str = "", sent: str = "") -> Response:
    """Show the preference page."""
    try:
        recipient = read_token(service, token)
        preferences = await load_preferences(service.database, recipient.account_id, recipient.contact_id)
    except NotFoundError as error:
        return gone(request, error)
    view = View.of(request, preferences.account, preferences.contact.language)
    notice = view.text("saved") if saved else view.text("access_sent") if sent else None
    if is_test(recipient):
        notice = view.text("test")
    return render(view, preferences, token, notice)


@router.post("/p/{token}")
async def save(service: Service, request: JsonRequest, token: str) -> Response:
    """Save the choice, and show the page again."""
    try:
        recipient = read_token(service, token)
        preferences = await load_preferences(service.database, recipient.account_id, recipient.contact_id)
    except NotFoundError as error:
        return gone(request, error)
    view = View.of(request, preferences.account, preferences.contact.language)
    if not CHANGES.take(token):
        return view.message("too_many_title", "too_many", status=429)
    form = await read_form(request)
    if not is_test(recipient):
        assert service.suppression is not None
        choice = choice_in(form, recipient, view)
        await apply_choice(service.database, service.suppression, recipient.account_id, recipient.contact_id, choice)
        if choice.consent == "denied":
            await service.contacts_published(recipient.account_id, [recipient.contact_id])
    return RedirectResponse(f"/p/{token}?saved=1", 303)


def is_test(recipient: TokenContents) -> bool:
    """Return whether a token is from a test mail. Its pages are shown, but change nothing."""
    return recipient.send is not None and recipient.send.kind == "test"


def gone(request: JsonRequest, error: NotFoundError) -> HTMLResponse:
    """Return the page for a token or a form that cannot be found, or for a contact that was erased."""
    view = View.of(request)
    if error.kind == "contact":
        return view.message("gone_title", "gone", status=410)
    return view.message("invalid_title", "invalid", status=404)


def choice_in(form: Form, recipient: TokenContents, view: View) -> Choice:
    """Return the choice in a submitted form. A label is refused only if it was held and is not ticked any more."""
    ticked, held = _ids(form.get("label", [])), _ids(form.get("held", []))
    consent = first(form, "consent")
    return Choice(
        chosen=ticked - held,
        refused=held - ticked,
        subscribed=first(form, "subscribed") == "yes",
        consent=cast("TrackingConsent", consent) if consent in ("granted", "denied") else None,
        wording=f"{view.text('subscribe')} / {view.text('tracking_legend')}",
        message_id=recipient.message_id,
        send=recipient.send,
    )


def _ids(values: list[str]) -> set[UUID]:
    ids: set[UUID] = set()
    for value in values:
        try:
            ids.add(UUID(value))
        except ValueError:
            continue
    return ids


def render(view: View, preferences: Preferences, token: str, notice: str | None) -> HTMLResponse:
    """Render the preference page."""
    contact = preferences.contact
    by_group = groupby(preferences.labels, key=lambda label: label.group)
    groups = [
        {
            "name": group or view.text("other"),
            "labels": [_label(view, preferences, label) for label in labels],
        }
        for group, labels in by_group
    ]
    noted = ("blocked", "bounced", "unconfirmed")
    return view.page(
        "preferences.html",
        view.text("preferences"),
        notice=notice,
        action=f"/p/{token}",
        groups=groups,
        subscribed=contact.subscription == "subscribed",
        subscription_note=view.text(f"subscription_{contact.subscription}") if contact.subscription in noted else "",
        consent=contact.tracking_consent,
    )


def _label(view: View, preferences: Preferences, label: Label) -> dict[str, Any]:
    assignment = preferences.held.get(label.id)
    is_held = assignment is not None and assignment.held
    return {
        "id": label.id,
        "name": label.name_in(view.language),
        "held": is_held,
        "why": _reasons(view, preferences, label),
    }


def _reasons(view: View, preferences: Preferences, label: Label) -> str:
    assignment = preferences.held.get(label.id)
    if assignment is None:
        return ""
    if not assignment.held:
        return view.text("clicked_only", clicks=assignment.clicks) if assignment.clicks else ""
    reasons = []
    if assignment.click_supports and assignment.last_click is not None:
        key = "why_click_one" if assignment.clicks == 1 else "why_click_many"
        reasons.append(view.text(key, clicks=assignment.clicks, date=view.date(assignment.last_click)))
    kinds = {support.origin.kind for support in assignment.supports.values()}
    if "self" in kinds:
        reasons.append(view.text("why_self"))
    if kinds - {"self"}:
        reasons.append(view.text("why_other"))
    return "; ".join(reasons)
