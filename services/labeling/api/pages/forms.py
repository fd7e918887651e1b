"""Hosted forms, and the confirmation of a subscription."""

from typing import Any
from uuid import UUID

from fastapi import Response

from services.labeling.api.pages.preferences import gone
from services.labeling.api.pages.rendering import View
from services.labeling.api.pages.requests import Form, first, read_form, read_token
from services.labeling.api.routing import Router
from services.labeling.api.service import Labeling, Service
from services.labeling.domain.errors import InvalidError, NotFoundError
from services.labeling.domain.forms import answers
from services.labeling.use_cases.choices import load_preferences
from services.labeling.use_cases.forms import ShownForm, shown_form
from services.labeling.use_cases.submissions import FilledForm, LinkMailing, confirm, submit
from shared.http.allowance import Allowance
from shared.http.bodies import JsonRequest
from shared.tokens import Purpose

router = Router(include_in_schema=False)
BY_CLIENT = Allowance(per_minute=20)
BY_ADDRESS = Allowance(per_minute=3)


@router.get("/f/confirm/{token}")
async def ask(service: Service, request: JsonRequest, token: str) -> Response:
    """Ask whether the contact confirms its subscription."""
    try:
        recipient = read_token(service, token, Purpose.CONFIRMATION)
        preferences = await load_preferences(service.database, recipient.account_id, recipient.contact_id)
    except NotFoundError as error:
        return gone(request, error)
    view = View.of(request, preferences.account, preferences.contact.language)
    return view.page(
        "question.html",
        view.text("confirm_title"),
        question=view.text("confirm_question"),
        action=f"/f/confirm/{token}",
        button=view.text("confirm_button"),
        link=None,
    )


@router.post("/f/confirm/{token}")
async def do_confirm(service: Service, request: JsonRequest, token: str) -> Response:
    """Confirm the subscription."""
    try:
        recipient = read_token(service, token, Purpose.CONFIRMATION)
        preferences = await load_preferences(service.database, recipient.account_id, recipient.contact_id)
        assert service.suppression is not None
        is_current = await confirm(service.database, service.suppression, recipient)
    except NotFoundError as error:
        return gone(request, error)
    view = View.of(request, preferences.account, preferences.contact.language)
    if not is_current:
        return view.message("expired_title", "confirm_expired", status=410)
    return view.message("form_thanks_title", "confirmed")


@router.get("/f/{form_id}")
async def show(service: Service, request: JsonRequest, form_id: str) -> Response:
    """Show a form."""
    shown = await _find(service, form_id)
    if shown is None:
        return gone(request, NotFoundError("form"))
    return _page(_view(request, shown), shown, {}, {})


@router.post("/f/{form_id}")
async def fill_in(service: Service, request: JsonRequest, form_id: str) -> Response:
    """Accept a submitted form."""
    shown = await _find(service, form_id)
    if shown is None or service.tokens is None or service.suppression is None:
        return gone(request, NotFoundError("form"))
    view = _view(request, shown)
    form = await read_form(request)
    email = first(form, "email").strip()
    client = request.client.host if request.client is not None else ""
    if not BY_CLIENT.take(f"{form_id} {client}"):
        return view.message("too_many_title", "too_many", status=429)
    thanks = "form_confirm_mail" if shown.form.definition.double_opt_in else "form_thanks"
    if first(form, "website"):
        # The field is invisible to people, so a bot has filled it in. The answer does not reveal that.
        return view.message("form_thanks_title", thanks)
    values, wrong = answers(shown.fields, _field_texts(form))
    problems = dict.fromkeys(wrong, view.text("form_error_field"))
    if first(form, "consent") != "yes":
        problems["consent"] = view.text("form_error_consent")
    try:
        if not problems:
            # Only a form without errors may send a mail, so only such a form counts against the limit of its address.
            if not BY_ADDRESS.take(f"{form_id} {email.lower()}"):
                return view.message("too_many_title", "too_many", status=429)
            filled = FilledForm(email, values, _chosen(form, shown), view.text("consent"), view.language)
            mailing = LinkMailing(service.tokens, service.suppression, service.forms_url)
            await submit(service.database, mailing, shown.form, filled)
            return view.message("form_thanks_title", thanks)
    except InvalidError:
        problems["email"] = view.text("form_error_email")
    return _page(view, shown, form, problems)


async def _find(service: Labeling, text: str) -> ShownForm | None:
    try:
        async with service.database.pool.acquire() as connection:
            return await shown_form(connection, UUID(text))
    except (ValueError, NotFoundError):
        return None


def _view(request: JsonRequest, shown: ShownForm) -> View:
    """Return the view of a form in the language that its URL requests, or else in the browser's."""
    return View.of(request, shown.account, request.query_params.get("language"))


def _field_texts(form: Form) -> dict[str, str]:
    return {name.removeprefix("field."): first(form, name) for name in form if name.startswith("field.")}


def _chosen(form: Form, shown: ShownForm) -> list[UUID]:
    ticked = set(form.get("label", []))
    return [label.id for label in shown.labels if str(label.id) in ticked]


def _page(view: View, shown: ShownForm, form: Form, problems: dict[str, str]) -> Response:
    chosen = set(_chosen(form, shown))
    labels: list[dict[str, Any]] = [
        {"id": label.id, "name": label.name_in(view.language), "chosen": label.id in chosen} for label in shown.labels
    ]
    return view.page(
        "form.html",
        shown.form.definition.name,
        status=422 if problems else 200,
        notice=view.text("form_error") if problems else None,
        embeddable=True,
        action=f"/f/{shown.form.id}?language={view.language}",
        text=shown.form.definition.text,
        fields=[field._asdict() for field in shown.fields],
        labels=labels,
        values={name: first(form, name) for name in form},
        errors=problems,
        wording=view.text("consent"),
    )
