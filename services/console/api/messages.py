"""Messages: the list, one message with the labels of its links on the mail itself, and its numbers."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import UploadFile

from services.console.api.forms import Form, form_of, read_form
from services.console.api.languages import _, counted
from services.console.api.lists import PAGE, filters_of, listing, paginate
from services.console.api.message_numbers import clicks_of_links, period_of
from services.console.api.message_preview import preview_of
from services.console.api.message_source import kept_of, read_source
from services.console.api.names import Names
from services.console.api.page import AccountPage, OfAccount
from services.console.api.people import contacts_by_id
from services.console.api.periods import PERIODS, period_of_day
from services.console.api.rendering import SERVICE
from services.console.api.security import MAIL_POLICY
from services.console.apis.client import ApiProblem, Json
from services.console.domain.links import group_links, label_suggestions, links_in, names_in
from services.console.domain.mail import MERGE_TAG, MarkedLink, cleaned, show_mail
from shared.http.routing import Router
from shared.urls import without_campaign

router = Router(prefix="/a/{account_id}/messages", include_in_schema=False)

EXAMPLE = SERVICE / "templates" / "example_newsletter.txt"
_OPTIONAL = ("subject", "preheader", "text", "sender_id", "reply_to")
_EARLIER = 20  # messages that are read for suggestions


@router.get("")
async def messages(page: OfAccount) -> Response:
    """List the messages, newest first."""
    filters = filters_of(page.request, "q")
    cursor = page.request.query_params.get("cursor")
    if filters["q"]:
        items = await page.api.items("tracking", "/v1/messages")
        query = filters["q"].casefold()
        shown = paginate(page.request, [item for item in items if query in item["name"].casefold()], filters, 25)
    else:
        answer = await page.api.get("tracking", "/v1/messages", limit=25, cursor=cursor)
        shown = listing(page.request, answer, filters)
    stats = await page.api.each("tracking", [f"/v1/messages/{item['id']}/stats" for item in shown.items])
    numbers = {one["message_id"]: one for one in stats if one is not None}
    return page.show("messages.html", here="messages", block="list", list=shown, numbers=numbers)


@router.get("/new")
async def new(page: OfAccount) -> Response:
    """Show the form of a new message."""
    page.require("write")
    return await _edit_form(page, None, Form())


@router.get("/example")
async def example(page: OfAccount) -> Response:
    """Show the form of a new message with a newsletter to try."""
    page.require("write")
    form = form_of([("name", _("An example newsletter")), ("html", EXAMPLE.read_text(encoding="utf-8"))])
    return await _edit_form(page, None, form)


@router.post("/example")
async def create_example(page: OfAccount) -> Response:
    """Add the example."""
    return await create(page)


@router.post("/new")
async def create(page: OfAccount) -> Response:
    """Add a message from pasted HTML or an uploaded file."""
    page.require("write")
    form = await _message_form(page.request)
    try:
        created = await page.api.post("tracking", "/v1/messages", _body(form))
    except ApiProblem as problem:
        form.refuse(problem)
        return await _edit_form(page, None, form, status=422)
    notice = _("The message was added. Click on a link in it to give it labels.")
    return page.go(page.url(f"messages/{created['id']}"), notice)


@router.get("/{message_id}")
async def message(page: OfAccount, message_id: UUID) -> Response:
    """Show a message: the mail with its links marked, and the labels of each beside it."""
    return await _message(page, message_id, Form())


@router.get("/{message_id}/mail")
async def mail(page: OfAccount, message_id: UUID) -> Response:
    """Return the mail's HTML for the frame, with marked links, without scripts; external pictures only on request."""
    content = page.request.query_params.get("content")
    message, html, clicks = await asyncio.gather(
        page.api.get("tracking", f"/v1/messages/{message_id}"),
        page.api.text("tracking", f"/v1/messages/{message_id}/html", merge_tag=MERGE_TAG, content=content),
        clicks_of_links(page, message_id),
    )
    pictures = page.request.query_params.get("pictures") == "yes"
    here = page.url(f"messages/{message_id}")
    if page.request.query_params.get("marks") == "no":
        shown = cleaned(html, pictures=pictures)
    else:
        links = [_marked(link, clicks.get(link["id"], Counter())) for link in message["links"]]
        shown = show_mail(html, links, lambda link: f"{here}?link={link.link_id}#link-{link.number}", pictures=pictures)
    policy = MAIL_POLICY.format(pictures=" https: http:" if pictures else "")
    return HTMLResponse(shown, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})


@router.post("/{message_id}/labels")
async def label_links(page: OfAccount, message_id: UUID) -> Response:
    """Write the labels of all links at once."""
    page.require("write")
    form = await read_form(page.request)
    message = await page.api.get("tracking", f"/v1/messages/{message_id}")
    labels_by_name = {label["name"].casefold(): label for label in await page.api.items("labeling", "/v1/labels")}
    for label in list(labels_by_name.values()):
        labels_by_name.update(
            {alias.casefold(): label for alias in label["aliases"] if alias.casefold() not in labels_by_name}
        )
    names_by_group = {group: names_in(form[f"labels.{group}"]) for group in form.all("group")}
    unknown = sorted(
        {name for names in names_by_group.values() for name in names if name.casefold() not in labels_by_name}
    )
    if unknown and form["make"] != "yes":
        form.values["unknown"] = ", ".join(unknown)
        form.errors[""] = _("These labels do not exist yet: %(names)s.", names=", ".join(unknown))
        return await _message(page, message_id, form, status=422)
    try:
        for name in unknown:
            created = await page.api.post("labeling", "/v1/labels", {"name": name, "visibility": "private"})
            labels_by_name[name.casefold()] = created
        changes = _changes(
            message,
            form,
            {
                group: [labels_by_name[name.casefold()]["id"] for name in names]
                for group, names in names_by_group.items()
            },
        )
        if changes:
            await page.api.put("tracking", f"/v1/messages/{message_id}/link-labels", changes)
        link_id, _colon, tracking = form["tracking"].partition(":")
        if tracking:
            path = f"/v1/messages/{message_id}/links/{link_id}"
            await page.api.patch("tracking", path, {"tracking": tracking})
            return page.go(page.url(f"messages/{message_id}?link={link_id}"), _("Saved."))
    except ApiProblem as problem:
        form.refuse(problem)
        return await _message(page, message_id, form, status=422)
    changed = len(changes)
    notice = (
        _("Nothing has changed.")
        if not changed
        else _("Saved: the labels of %(count)s links have changed.", count=changed)
    )
    return page.go(page.url(f"messages/{message_id}"), notice)


@router.get("/{message_id}/edit")
async def edit(page: OfAccount, message_id: UUID) -> Response:
    """Show the form of a message."""
    page.require("write")
    return await _edit_form(page, await read_source(page, message_id), Form())


@router.post("/{message_id}/edit")
async def change(page: OfAccount, message_id: UUID) -> Response:
    """Make a new revision of a message, after a warning about losses."""
    page.require("write")
    form = await _message_form(page.request)
    before = await read_source(page, message_id)
    lost = _lost(before, form.raw("html"))
    if lost and form["lose"] != "yes":
        return await _edit_form(page, before, form, lost, status=422)
    try:
        after = await page.api.put("tracking", f"/v1/messages/{message_id}", {**kept_of(before), **_body(form, before)})
    except ApiProblem as problem:
        form.refuse(problem)
        return await _edit_form(page, before, form, status=422)
    return page.go(page.url(f"messages/{message_id}"), _("Saved as revision %(number)s.", number=after["revision"]))


@router.get("/{message_id}/delete")
async def ask_delete(page: OfAccount, message_id: UUID) -> Response:
    """Show the effect of deleting the message."""
    page.require("write")
    return await _deletion(page, message_id, [])


@router.post("/{message_id}/delete")
async def delete(page: OfAccount, message_id: UUID) -> Response:
    """Delete the message; if it is in use, only if that was confirmed."""
    page.require("write")
    form = await read_form(page.request)
    force = "true" if form["force"] == "yes" else None
    try:
        await page.api.delete("tracking", f"/v1/messages/{message_id}", force=force)
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        return await _deletion(page, message_id, problem.uses, status=409)
    return page.go(page.url("messages"), _("The message is deleted. Links in mails that were sent still work."))


@router.get("/{message_id}/clicks")
async def clicks(page: OfAccount, message_id: UUID) -> Response:
    """List the clicks on a message."""
    filters = filters_of(page.request, "verdict", "send", "day")
    chosen = page.request.query_params.getlist("link_id")
    day_range = period_of_day(filters["day"])
    if not day_range:
        filters["day"] = ""
    parameters = {
        "message_id": message_id,
        "link_id": chosen,
        "verdict": filters["verdict"],
        "send": filters["send"],
        **day_range,
    }
    cursor = page.request.query_params.get("cursor")
    message, answer, stats = await asyncio.gather(
        page.api.get("tracking", f"/v1/messages/{message_id}"),
        page.api.get("tracking", "/v1/clicks", **parameters, limit=PAGE, cursor=cursor),
        page.api.get("tracking", f"/v1/messages/{message_id}/stats"),
    )
    series = await page.api.find("tracking", f"/v1/messages/{message_id}/series", by="day")
    shown = listing(page.request, answer, filters, {"link_id": chosen})
    return page.show(
        "message_clicks.html",
        here="messages",
        block="list",
        message=message,
        list=shown,
        stats=stats,
        series=series,
        chosen=chosen,
        chosen_link=next((one for one in stats["links"] if one["link_id"] in chosen), None),
        people=await contacts_by_id(page.api, sorted({click["contact_id"] for click in shown.items})),
    )


async def _deletion(page: AccountPage, message_id: UUID, uses: list[Json], status: int = 200) -> Response:
    message = await page.api.get("tracking", f"/v1/messages/{message_id}")
    return page.show("message_delete.html", status=status, here="messages", message=message, uses=uses)


async def _message(page: AccountPage, message_id: UUID, form: Form, status: int = 200) -> Response:
    message, labels, stats, recent = await asyncio.gather(
        page.api.get("tracking", f"/v1/messages/{message_id}"),
        page.api.items("labeling", "/v1/labels"),
        page.api.get("tracking", f"/v1/messages/{message_id}/stats"),
        page.api.get("tracking", "/v1/messages", limit=_EARLIER),
    )
    others = [f"/v1/messages/{one['id']}" for one in recent["items"] if one["id"] != str(message_id)]
    earlier = [one for one in await page.api.each("tracking", others) if one is not None]
    check = await page.api.find("tracking", f"/v1/messages/{message_id}/check")
    preview = await preview_of(page, message)
    clicked = {one["link_id"]: one["clicks"]["human"] for one in stats["links"]}
    return page.show(
        "message.html",
        status=status,
        here="messages",
        form=form,
        message=message,
        groups=group_links(message["links"]),
        labels=[label for label in labels if label["state"] == "active"],
        suggestions=label_suggestions(message["links"], earlier),
        without_campaign=without_campaign,
        stats=stats,
        human_clicks=lambda group: sum(clicked.get(link["id"], 0) for link in group.links),
        chosen=page.request.query_params.get("link", ""),
        pictures=page.request.query_params.get("pictures") == "yes",
        warnings=[] if check is None else check["warnings"],
        reason=_reason,
        preview=preview,
        periods=PERIODS,
        period=period_of(page),
        names=Names(labels={label["id"]: label["name"] for label in labels}, segments={}),
    )


def _changes(message: Json, form: Form, label_ids_by_group: dict[str, list[str]]) -> dict[str, list[str]]:
    current = {link["id"]: sorted(label["id"] for label in link["labels"]) for link in message["links"]}
    return {
        link_id: label_ids
        for group, label_ids in label_ids_by_group.items()
        for link_id in form.all(f"links.{group}")
        if link_id in current and current[link_id] != sorted(label_ids)
    }


def _marked(link: Json, clicks: Counter[str]) -> MarkedLink:
    names = ", ".join(label["name"] for label in link["labels"])
    kind = "labelled" if link["labels"] else "unlabelled" if link["trackable"] else "off"
    human, machine = clicks["human"], clicks["machine"]
    mark = " · ".join(
        text
        for text in (
            str(link["number"]),
            names,
            counted("%(num)s click", "%(num)s clicks", human) if human else "",
            counted("%(num)s by a machine", "%(num)s by machines", machine) if machine else "",
        )
        if text
    )
    return MarkedLink(link["id"], link["number"], link["url"], mark, kind)


def _reason(code: str | None) -> str:
    """Return why a link is not tracked."""
    return {
        "unsubscribe": _("a link to unsubscribe"),
        "merge_tag": _("filled in by the sending system"),
        "mailto": _("an e-mail address"),
        "tel": _("a phone number"),
        "anchor": _("leads to a place within the mail"),
        "own": _("is already tracked"),
    }.get(code or "", code or _("not tracked"))


async def _message_form(request: Request) -> Form:
    """Return the form; the text of an uploaded file replaces pasted text."""
    submitted = await request.form(max_fields=100, max_files=2, max_part_size=4_000_000)
    pairs: list[tuple[str, str]] = []
    for name, value in submitted.multi_items():
        if isinstance(value, UploadFile):
            content = await value.read()
            if content:
                pairs.append(("html", content.decode("utf-8", errors="replace")))
                pairs.append(("file_name", value.filename or ""))
        else:
            pairs.append((name, value))
    form = form_of(pairs)
    if not form["name"] and form["file_name"]:
        form.values["name"] = form["file_name"].rsplit(".", 1)[0]
    return form


def _body(form: Form, before: Json | None = None) -> dict[str, Any]:
    """Return the request body for the form; a field that was emptied is null."""
    body: dict[str, Any] = {"name": form["name"], "html": form.raw("html")}
    body.update({name: form[name] or None for name in _OPTIONAL if form[name] or (before and name in form.values)})
    return body


def _lost(before: Json, html: str) -> list[str]:
    """Return the labelled links and the blocks with criteria that a new revision with this HTML would lose."""
    urls = {url for url, _text in links_in(html)}
    links = [
        link["text"].strip() or link["url"]
        for link in before["links"]
        if link["labels"] and str(link.get("url_in_message") or link["url"]) not in urls
    ]
    blocks = [
        _("Block %(name)s", name=block["block"])
        for block in before["blocks"]
        if block["block"] != "subject"
        and block["block"] not in html
        and any(one.get("criterion") for one in block["variants"])
    ]
    return links + blocks


async def _edit_form(
    page: AccountPage, message: Json | None, form: Form, lost: list[str] | None = None, status: int = 200
) -> Response:
    return page.show(
        "message_form.html",
        status=status,
        here="messages",
        form=form,
        message=message,
        senders=await page.api.items("tracking", "/v1/senders"),
        lost=lost,
    )
