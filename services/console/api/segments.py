"""Segments: the list, building one, and one segment with its members."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from fastapi import Response
from sse_starlette.sse import EventSourceResponse

from services.console.api.builder import Builder, build, load_choices, refuse_criterion, tree_of
from services.console.api.chosen_people import criterion_in
from services.console.api.criterion_sentences import describe, describe_condition, sentence_of
from services.console.api.formats import time_zone
from services.console.api.forms import Form, read_form
from services.console.api.languages import _, counted
from services.console.api.lists import filters_of, listing, paginate
from services.console.api.names import Names, load_names
from services.console.api.page import AccountPage, OfAccount
from services.console.api.people import contacts_by_id, find_contact
from services.console.apis.client import ApiProblem, Json
from services.console.domain.criterion_draft import draft_of
from services.console.domain.criterion_form import Node, empty_draft
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/segments", include_in_schema=False)

_MEMBERS = 25  # on a page


@router.get("")
async def segments(page: OfAccount) -> Response:
    """List the segments with their numbers of members."""
    filters = filters_of(page.request, "q")
    items, names = await asyncio.gather(
        page.api.items("segmentation", "/v1/segments"), load_names(page.api, "labels", "messages")
    )
    names.segments = {item["id"]: item["name"] for item in items}
    query = filters["q"].casefold()
    shown = paginate(page.request, [item for item in items if query in item["name"].casefold()], filters)
    sentences = [describe(item["criterion"], names) for item in shown.items]
    rows = list(zip(shown.items, sentences, strict=True))
    return page.show("segments.html", here="segments", block="list", list=shown, rows=rows)


@router.get("/new")
async def new(page: OfAccount) -> Response:
    """Show the builder, filled in from the link of another page."""
    page.require("write")
    builder = await build(page, "c", _tree_in_url(page), await load_choices(page))
    return _form(page, Form(), builder, None)


@router.post("/new")
async def create(page: OfAccount) -> Response:
    """Save a new segment, or carry out a button of the builder."""
    page.require("write")
    return await _save(page, None)


@router.get("/{segment_id}")
async def segment(page: OfAccount, segment_id: UUID) -> Response:
    """Show a segment: its meaning, its members, and why a contact is or is not a member."""
    cursor = page.request.query_params.get("cursor")
    segment, names, answer = await asyncio.gather(
        page.api.get("segmentation", f"/v1/segments/{segment_id}"),
        load_names(page.api, "labels", "messages", "segments"),
        page.api.get("segmentation", f"/v1/segments/{segment_id}/members", limit=_MEMBERS, cursor=cursor),
    )
    members = listing(page.request, answer, {})
    query = page.request.query_params.get("contact", "").strip()
    return page.show(
        "segment.html",
        here="segments",
        block="members",
        segment=segment,
        sentence=await sentence_of(page.api, segment["criterion"], names),
        list=members,
        people=await contacts_by_id(page.api, [member["contact_id"] for member in members.items]),
        query=query,
        explained=await _explanation(page, segment, query, names) if query else None,
        used_by=await _used_by(page, segment_id),
        series=await page.api.find("segmentation", f"/v1/segments/{segment_id}/series"),
        today=datetime.now(time_zone.get()).date().isoformat(),
    )


@router.get("/{segment_id}/stream")
async def stream(page: OfAccount, segment_id: UUID) -> Response:
    """Return the number of members as it changes, for the page of the segment."""

    async def events() -> AsyncIterator[dict[str, str]]:
        async with page.api.stream("segmentation", f"/v1/segments/{segment_id}/stream") as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data:"):
                    number = _count_in(line.removeprefix("data:").strip())
                    if number is not None:
                        yield {"data": counted("%(num)s contact", "%(num)s contacts", number)}

    return EventSourceResponse(events(), ping=15)


@router.get("/{segment_id}/edit")
async def edit(page: OfAccount, segment_id: UUID) -> Response:
    """Show the builder with the segment's criterion."""
    page.require("write")
    segment, choices = await asyncio.gather(
        page.api.get("segmentation", f"/v1/segments/{segment_id}"), load_choices(page)
    )
    builder = await build(page, "c", draft_of(segment["criterion"]), choices)
    return _form(page, Form(), builder, segment)


@router.post("/{segment_id}/edit")
async def change(page: OfAccount, segment_id: UUID) -> Response:
    """Save the segment, or carry out a button of the builder."""
    page.require("write")
    return await _save(page, await page.api.get("segmentation", f"/v1/segments/{segment_id}"))


@router.get("/{segment_id}/delete")
async def ask_delete(page: OfAccount, segment_id: UUID) -> Response:
    """Show the effect of deleting the segment."""
    page.require("write")
    return await _deletion(page, segment_id, None)


@router.post("/{segment_id}/delete")
async def delete(page: OfAccount, segment_id: UUID) -> Response:
    """Delete the segment; if it is in use, only if that was confirmed."""
    page.require("write")
    form = await read_form(page.request)
    force = "true" if form["force"] == "yes" else None
    try:
        await page.api.delete("segmentation", f"/v1/segments/{segment_id}", force=force)
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        return await _deletion(page, segment_id, problem)
    return page.go(page.url("segments"), _("The segment is deleted. Its contacts did not change."))


async def _save(page: AccountPage, segment: Json | None) -> Response:
    form = await read_form(page.request)
    builder = await build(page, "c", tree_of(form, "c"), await load_choices(page))
    if form["op"]:
        return _form(page, form, builder, segment)
    if not builder.is_ready():
        form.errors[""] = _("A condition is not complete yet.")
        return _form(page, form, builder, segment, status=422)
    body = {"name": form["name"], "criterion": builder.built.criterion}
    try:
        if segment is None:
            saved = await page.api.post("segmentation", "/v1/segments", body)
        else:
            saved = await page.api.put("segmentation", f"/v1/segments/{segment['id']}", body)
    except ApiProblem as problem:
        form.refuse(problem)
        refuse_criterion(builder, problem)
        return _form(page, form, builder, segment, status=422)
    return page.go(page.url(f"segments/{saved['id']}"), _('The segment "%(name)s" is saved.', name=saved["name"]))


def _form(page: AccountPage, form: Form, builder: Builder, segment: Json | None, status: int = 200) -> Response:
    return page.show("segment_form.html", status=status, here="segments", form=form, builder=builder, segment=segment)


def _tree_in_url(page: AccountPage) -> Node:
    """Return the tree that the link from another page selects."""
    query = page.request.query_params
    criterion = criterion_in(query.get("criterion", ""))
    if criterion is not None:
        return draft_of(criterion)
    if query.get("label"):
        return Node("all", parts=[Node("label", {"label": query["label"]})])
    if query.get("clicked"):
        values = {"selector": "label", "label": query["clicked"], "number": query.get("times", "1")}
        return Node("all", parts=[Node("clicks", {**values, "comparison": "at_least"})])
    if query.get("clicked_message"):
        return Node("all", parts=[Node("clicks", {"selector": "message", "message": query["clicked_message"]})])
    if query.get("form"):
        return Node("all", parts=[Node("engaged", {"engagement": "form.submitted", "ref": query["form"]})])
    if query.get("clicked_send"):
        return Node("all", parts=[Node("clicks", {"selector": "send", "send": query["clicked_send"]})])
    if query.get("clicked_within"):
        return Node("all", parts=[Node("clicks", {"period": "within_days", "days": query["clicked_within"]})])
    return empty_draft()


async def _deletion(page: AccountPage, segment_id: UUID, problem: ApiProblem | None) -> Response:
    segment = await page.api.get("segmentation", f"/v1/segments/{segment_id}")
    uses = problem.uses if problem is not None else await _used_by(page, segment_id)
    status = 200 if problem is None else 409
    return page.show("segment_delete.html", status=status, here="segments", segment=segment, uses=uses)


async def _used_by(page: AccountPage, segment_id: UUID) -> list[Json]:
    answer = await page.api.find("segmentation", f"/v1/segments/{segment_id}/uses", limit=1000)
    return [] if answer is None else list(answer["items"])


async def _explanation(page: AccountPage, segment: Json, query: str, names: Names) -> Json:
    contact = await find_contact(page.api, query)
    if contact is None:
        return {"contact": None, "rows": []}
    body = {"criterion": segment["criterion"], "contact_id": contact["contact_id"]}
    try:
        tree = await page.api.post("segmentation", "/v1/criteria/explain", body)
    except ApiProblem as problem:
        return {"contact": contact, "rows": [], "detail": problem.detail}
    root = tree.get("explanation", tree)
    return {"contact": contact, "truth": bool(root.get("truth")), "rows": list(_rows(root, names, 0))}


def _rows(node: Json, names: Names, depth: int) -> list[Json]:
    kind = str(node.get("kind"))
    titles = {"all": _("all of these"), "any": _("at least one of these"), "not": _("not")}
    text = titles.get(kind) or describe_condition(kind, node["asked"], names)
    rows: list[Json] = [
        {"depth": depth, "truth": bool(node.get("truth")), "text": text, "saw": _observed_values(node.get("saw") or {})}
    ]
    for part in node.get("parts") or []:
        rows += _rows(part, names, depth + 1)
    return rows


def _observed_values(observed: Json) -> str:
    return ", ".join(f"{name}: {value}" for name, value in observed.items() if not isinstance(value, dict | list))


def _count_in(data: str) -> int | None:
    try:
        event = json.loads(data)
    except ValueError:
        return None
    count = event.get("count") if isinstance(event, dict) else None
    return count if isinstance(count, int) else None
