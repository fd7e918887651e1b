"""The page of one contact: its labels with their reasons, its clicks and engagements, its campaigns and runs."""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import Response

from services.console.api import sentences
from services.console.api.forms import read_form
from services.console.api.languages import _
from services.console.api.names import Names, load_links, load_names
from services.console.api.page import AccountPage, OfAccount
from services.console.apis.client import ApiProblem, Json
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}/contacts/{contact_id}", include_in_schema=False)

_MANUAL = {"origin": {"kind": "manual"}}
_LATEST = 40  # entries of the timeline


@router.get("")
async def contact(page: OfAccount, contact_id: int) -> Response:
    """Show a contact."""
    contact = await page.api.get("labeling", f"/v1/contacts/{contact_id}")
    labels, clicks, engagements, fields, names = await asyncio.gather(
        page.api.items("labeling", f"/v1/contacts/{contact_id}/labels"),
        page.api.get("tracking", "/v1/clicks", contact_id=contact_id, limit=_LATEST),
        page.api.get("labeling", f"/v1/contacts/{contact_id}/engagements", limit=_LATEST),
        page.api.items("labeling", "/v1/fields"),
        load_names(page.api, "labels", "messages", "workflows", "segments", "campaigns"),
    )
    runs = await _runs(page, contact_id, names)
    held_ids = {label["label_id"] for label in labels if label["held"]}
    return page.show(
        "contact.html",
        here="contacts",
        contact=contact,
        held=sorted((label for label in labels if label["held"]), key=lambda label: -label["clicks"]),
        gone=[label for label in labels if not label["held"]],
        fields=fields,
        timeline=_timeline(clicks["items"], engagements["items"], labels, runs, names),
        runs=runs,
        campaigns=_campaigns(engagements["items"], names),
        to_give=[
            (key, name) for key, name in sorted(names.labels.items(), key=lambda pair: pair[1]) if key not in held_ids
        ],
        subscription=sentences.subscription,
        consent=sentences.consent,
        run_state=sentences.run_state,
        names=names,
    )


@router.get("/labels/{label_id}")
async def why(page: OfAccount, contact_id: int, label_id: UUID) -> Response:
    """Show why the contact has, or lost, a label: every event, down to the link and the click."""
    contact, label, history, labels = await asyncio.gather(
        page.api.get("labeling", f"/v1/contacts/{contact_id}"),
        page.api.get("labeling", f"/v1/labels/{label_id}"),
        page.api.get("labeling", f"/v1/contacts/{contact_id}/labels/{label_id}/history", limit=200),
        page.api.items("labeling", f"/v1/contacts/{contact_id}/labels"),
    )
    names = await load_names(page.api, "messages", "workflows")
    origins = [entry["origin"] for entry in history["items"]]
    await load_links(page.api, names, {origin["message_id"] for origin in origins if origin.get("message_id")})
    state = next((one for one in labels if one["label_id"] == str(label_id)), None)
    entries = [
        {**entry, "said": sentences.outcome(entry), "why": sentences.because(entry["origin"], names)}
        for entry in history["items"]
    ]
    return page.show(
        "why.html", here="contacts", contact=contact, label=label, state=state, entries=entries, names=names
    )


@router.post("/labels")
async def give(page: OfAccount, contact_id: int) -> Response:
    """Assign a label by hand."""
    page.require("write")
    form = await read_form(page.request)
    if not form["label_id"]:
        return page.go(page.url(f"contacts/{contact_id}"))
    await page.api.put("labeling", f"/v1/contacts/{contact_id}/labels/{UUID(form['label_id'])}", _MANUAL)
    return page.go(page.url(f"contacts/{contact_id}"), _("The label is given."))


@router.post("/labels/{label_id}/remove")
async def take(page: OfAccount, contact_id: int, label_id: UUID) -> Response:
    """Remove a label by hand."""
    page.require("write")
    await page.api.delete("labeling", f"/v1/contacts/{contact_id}/labels/{label_id}", _MANUAL)
    return page.go(page.url(f"contacts/{contact_id}"), _("The label is removed. Give it again to undo that."))


def _campaigns(engagements: list[Json], names: Names) -> list[str]:
    """Return the campaigns that were sent to the contact, newest first."""
    sends = (one.get("send") or {} for one in engagements if one["kind"] == "message.sent")
    ids = (str(send.get("id")) for send in sends if send.get("kind") == "campaign")
    return [one for one in dict.fromkeys(ids) if one in names.campaigns]


async def _runs(page: AccountPage, contact_id: int, names: Names) -> list[Json]:
    paths = [
        f"/v1/workflows/{workflow}/runs?contact_id={contact_id}&limit=5" for workflow in list(names.workflows)[:40]
    ]
    try:
        answers = await page.api.each("workflow", paths)
    except ApiProblem:
        return []
    runs = [run for answer in answers if answer is not None for run in answer["items"]]
    return sorted(runs, key=lambda run: str(run["started_at"]), reverse=True)


def _timeline(
    clicks: list[Json], engagements: list[Json], labels: list[Json], runs: list[Json], names: Names
) -> list[Json]:
    entries: list[dict[str, Any]] = []
    for click in clicks:
        quiet = click["verdict"] != "human"
        text = _(
            'Clicked on "%(link)s" in "%(message)s"',
            link=click["text"] or click["url"],
            message=names.message(click["message_id"]),
        )
        note = (
            ""
            if not quiet
            else _("by a machine, not by the contact")
            if click["verdict"] == "machine"
            else _("unclear whether by the contact")
        )
        entries.append({"at": click["occurred_at"], "text": text, "note": note, "kind": "quiet" if quiet else ""})
    entries += [
        {"at": one["occurred_at"], "text": sentences.engagement(one, names), "note": "", "kind": ""}
        for one in engagements
    ]
    for label in labels:
        if label["since"]:
            text = _('Has the label "%(label)s"', label=label["label_name"])
            entries.append({"at": label["since"], "text": text, "note": "", "kind": "", "label_id": label["label_id"]})
    for run in runs:
        text = _('Entered the workflow "%(workflow)s"', workflow=names.workflow(run["workflow_id"]))
        entries.append({"at": run["started_at"], "text": text, "note": "", "kind": "", "run_id": run["id"]})
    return sorted(entries, key=lambda entry: str(entry["at"]), reverse=True)[:_LATEST]
