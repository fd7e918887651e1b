"""Labels: list them, show one, create, change, merge and delete one."""

import asyncio
from typing import Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Response

from services.console.api.counting import counts_of
from services.console.api.forms import Form, read_form
from services.console.api.languages import _
from services.console.api.lists import filters_of, listing, paginate
from services.console.api.page import AccountPage, OfAccount
from services.console.apis.client import ApiProblem, Json
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/labels", include_in_schema=False)

_STRENGTHS = (1, 3, 5, 10)  # clicks at least
_SORTS = ("clicks", "last_click", "since")


@router.get("")
async def labels(page: OfAccount) -> Response:
    """List the labels with their holders."""
    filters = filters_of(page.request, "q", "group", "visibility")
    items = [label for label in await page.api.items("labeling", "/v1/labels") if label["state"] != "deleted"]
    groups = sorted({label["group"] for label in items if label.get("group")})
    shown = paginate(page.request, [label for label in items if _matches(label, filters)], filters)
    criteria: list[Json] = [{"label": {"id": label["id"]}} for label in shown.items]
    recent: list[Json] = [{"label": {"id": label["id"], "within_days": 30}} for label in shown.items]
    counts = await counts_of(page.api, criteria + recent)
    holders, gained = counts[: len(criteria)], counts[len(criteria) :]
    return page.show(
        "labels.html",
        here="labels",
        block="list",
        list=shown,
        groups=groups,
        rows=list(zip(shown.items, holders, gained, strict=True)),
    )


@router.get("/new")
async def new(page: OfAccount) -> Response:
    """Show the form of a new label."""
    page.require("write")
    return page.show("label_form.html", here="labels", form=Form(), label=None)


@router.post("/new")
async def create(page: OfAccount) -> Response:
    """Create a label."""
    page.require("write")
    form = await read_form(page.request)
    try:
        label = await page.api.post("labeling", "/v1/labels", _body(form))
    except ApiProblem as problem:
        form.refuse(problem)
        return page.show("label_form.html", status=422, here="labels", form=form, label=None)
    return page.go(page.url(f"labels/{label['id']}"), _('The label "%(name)s" was created.', name=label["name"]))


@router.get("/{label_id}")
async def label(page: OfAccount, label_id: UUID) -> Response:
    """Show a label: its holders by strength, where it is used."""
    filters = filters_of(page.request, "sort", "at_least")
    # By contact unless another order is requested, because other orders are slow with many holders.
    filters["sort"] = filters["sort"] if filters["sort"] in _SORTS else ""
    filters["at_least"] = filters["at_least"] if filters["at_least"].isdecimal() else ""
    criteria: list[Json] = [{"label": {"id": str(label_id)}}, {"label": {"id": str(label_id), "within_days": 30}}]
    criteria += [{"clicks": {"label": str(label_id), "at_least": times}} for times in _STRENGTHS]
    cursor = page.request.query_params.get("cursor")
    label, answer, counts, interest, uses, links = await asyncio.gather(
        page.api.get("labeling", f"/v1/labels/{label_id}"),
        page.api.get("labeling", f"/v1/labels/{label_id}/contacts", limit=25, cursor=cursor, **filters),
        counts_of(page.api, criteria),
        page.api.find("segmentation", f"/v1/interest/{label_id}"),
        page.api.find("labeling", f"/v1/labels/{label_id}/uses"),
        _labelled_links(page, str(label_id)),
    )
    return page.show(
        "label.html",
        here="labels",
        block="holders",
        label=label,
        holders=counts[0],
        gained=counts[1],
        strengths=list(zip(_STRENGTHS, counts[2:], strict=True)),
        list=listing(page.request, answer, filters),
        interest=interest,
        uses=None if uses is None else uses["items"],
        links=links,
    )


@router.get("/{label_id}/edit")
async def edit(page: OfAccount, label_id: UUID) -> Response:
    """Show the form of a label."""
    page.require("write")
    label = await page.api.get("labeling", f"/v1/labels/{label_id}")
    return page.show("label_form.html", here="labels", form=Form(), label=label)


@router.post("/{label_id}/edit")
async def change(page: OfAccount, label_id: UUID) -> Response:
    """Rename, describe, show or hide a label."""
    page.require("write")
    form = await read_form(page.request)
    try:
        changed = await page.api.patch("labeling", f"/v1/labels/{label_id}", _body(form))
    except ApiProblem as problem:
        form.refuse(problem)
        label = await page.api.get("labeling", f"/v1/labels/{label_id}")
        return page.show("label_form.html", status=422, here="labels", form=form, label=label)
    return page.go(page.url(f"labels/{label_id}"), _('"%(name)s" is saved.', name=changed["name"]))


@router.get("/{label_id}/delete")
async def ask_delete(page: OfAccount, label_id: UUID) -> Response:
    """Show the effect of deleting a label."""
    page.require("write")
    return await _deletion(page, label_id, None)


@router.post("/{label_id}/delete")
async def delete(page: OfAccount, label_id: UUID) -> Response:
    """Delete a label; if it is in use, only if that was confirmed."""
    page.require("write")
    form = await read_form(page.request)
    force = "true" if form["force"] == "yes" else None
    try:
        await page.api.delete("labeling", f"/v1/labels/{label_id}", force=force)
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        return await _deletion(page, label_id, problem)
    return page.go(page.url("labels"), _("The label is being deleted; contacts lose it within moments."))


@router.get("/{label_id}/merge")
async def ask_merge(page: OfAccount, label_id: UUID) -> Response:
    """Ask for the label to merge into, and show the effect."""
    page.require("write")
    return await _merging(page, label_id, Form())


@router.post("/{label_id}/merge")
async def merge(page: OfAccount, label_id: UUID) -> Response:
    """Merge the label into another one, after a preview."""
    page.require("write")
    form = await read_form(page.request)
    if form["sure"] != "yes" or not form["into"]:
        return await _merging(page, label_id, form)
    try:
        await page.api.post("labeling", f"/v1/labels/{label_id}/merge", {"into": form["into"]})
    except ApiProblem as problem:
        form.refuse(problem)
        return await _merging(page, label_id, form, status=422)
    return page.go(page.url(f"labels/{quote(form['into'])}"), _("The labels are being merged."))


async def _deletion(page: AccountPage, label_id: UUID, problem: ApiProblem | None) -> Response:
    label = await page.api.get("labeling", f"/v1/labels/{label_id}")
    (holders,) = await counts_of(page.api, [{"label": {"id": str(label_id)}}])
    uses = (
        problem.uses
        if problem is not None
        else ((await page.api.find("labeling", f"/v1/labels/{label_id}/uses")) or {}).get("items", [])
    )
    status = 200 if problem is None else 409
    return page.show("label_delete.html", status=status, here="labels", label=label, holders=holders, uses=uses)


async def _merging(page: AccountPage, label_id: UUID, form: Form, status: int = 200) -> Response:
    items = await page.api.items("labeling", "/v1/labels")
    label = next((item for item in items if item["id"] == str(label_id)), None)
    if label is None:
        label = await page.api.get("labeling", f"/v1/labels/{label_id}")
    others = [item for item in items if item["id"] != str(label_id) and item["state"] == "active"]
    preview: dict[str, Any] | None = None
    into = next((item for item in others if item["id"] == form["into"]), None)
    if into is not None:
        from_criterion, into_criterion = {"label": {"id": str(label_id)}}, {"label": {"id": into["id"]}}
        counts = await counts_of(page.api, [from_criterion, into_criterion])
        (both,) = await counts_of(page.api, [{"all": [from_criterion, into_criterion]}])
        preview = {"into": into, "here": counts[0], "there": counts[1], "both": both}
    return page.show(
        "label_merge.html", status=status, here="labels", form=form, label=label, others=others, preview=preview
    )


async def _labelled_links(page: AccountPage, label_id: str) -> list[Json]:
    """Return the links that carry a label, of the latest messages, with message and clicks; the most clicked first."""
    summaries = (await page.api.get("tracking", "/v1/messages", limit=20))["items"]
    messages = await page.api.each("tracking", [f"/v1/messages/{message['id']}" for message in summaries])
    links = [
        {**link, "message": message}
        for message in messages
        if message is not None
        for link in message["links"]
        if any(label["id"] == label_id for label in link["labels"])
    ]
    message_ids = list(dict.fromkeys(link["message"]["id"] for link in links))
    stats = await page.api.each("tracking", [f"/v1/messages/{message_id}/stats" for message_id in message_ids])
    clicks = {
        link["link_id"]: link["clicks"]["human"]
        for of_message in stats
        if of_message is not None
        for link in of_message["links"]
    }
    counted = [{**link, "clicks": clicks.get(link["id"], 0)} for link in links]
    return sorted(counted, key=lambda link: -link["clicks"])


def _body(form: Form) -> Json:
    body: Json = {
        "name": form["name"],
        "description": form["description"],
        "visibility": "public" if form["visibility"] == "public" else "private",
    }
    if form["group"]:
        body["group"] = form["group"]
    return body


def _matches(label: Json, filters: dict[str, str]) -> bool:
    query = filters["q"].casefold()
    texts = [label["name"], label["description"] or "", *label["aliases"]]
    return (
        (not query or any(query in text.casefold() for text in texts))
        and (not filters["visibility"] or label["visibility"] == filters["visibility"])
        and (not filters["group"] or label.get("group") == filters["group"])
    )
