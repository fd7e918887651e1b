"""The first page of an account: what happened today, what needs attention, first steps."""

import asyncio
from datetime import datetime

from fastapi import Response

from services.console.api import sentences
from services.console.api.counting import counts_of
from services.console.api.languages import _
from services.console.api.names import Names, load_names
from services.console.api.page import AccountPage, OfAccount
from services.console.api.people import contacts_by_id
from services.console.api.periods import start_of
from services.console.apis.client import ApiProblem, Json, ServiceName, Unreachable
from shared.http.routing import Router

router = Router(prefix="/a/{account_id}", include_in_schema=False)

_LATEST = 15  # entries of the feed
# Clicks and entries of today. Beyond this "250+" is shown, because a page must not wait for thousands of rows.
_COUNTED = 250
_LABELS = 20  # labels that are counted; each needs an evaluation
_MESSAGES = 5  # messages whose links are read for the labels that may have been gained
_WATCHED = 5  # workflows whose runs are in the feed


@router.get("/")
async def home(page: OfAccount) -> Response:
    """Show the account at a glance."""
    midnight = start_of(1)
    clicks, names, segments, workflows, changes, failures = await asyncio.gather(
        _clicks_since(page, midnight),
        load_names(page.api, "labels", "messages"),
        page.api.items("segmentation", "/v1/segments"),
        page.api.items("workflow", "/v1/workflows"),
        _entered_segments(page, midnight),
        _failures(page),
    )
    names.segments = {one["id"]: one["name"] for one in segments}
    names.workflows = {one["id"]: one["name"] for one in workflows}
    totals, runs, gained = await asyncio.gather(
        counts_of(page.api, [{"all": []}, {"clicks": {"within_days": 30}}]),
        _runs_since(page, workflows, midnight),
        _gained_today(page, clicks["items"], names),
    )
    contacts, clicked = totals
    feed = [*_feed(clicks["items"][:_LATEST], names), *_entries_in_feed(changes["items"], names), *runs]
    latest = sorted(feed, key=lambda one: datetime.fromisoformat(one["at"]), reverse=True)[:_LATEST]
    return page.show(
        "home.html",
        here="",
        block="today",
        clicks=clicks,
        feed=latest,
        people=await contacts_by_id(page.api, sorted({one["contact_id"] for one in latest})),
        contacts=contacts,
        clicked=clicked,
        gained=gained,
        entered=_by_segment(changes["items"], names),
        more_entered=bool(changes.get("next_cursor")),
        names=names,
        attention=_attention(page, segments, workflows) + failures,
        steps=_first_steps(page, names, contacts, clicked),
    )


@router.get("")
async def without_slash(page: OfAccount) -> Response:
    """Redirect to the URL with a final slash."""
    return page.go(page.url())


async def _clicks_since(page: AccountPage, since: datetime) -> Json:
    answer = await page.api.get("tracking", "/v1/clicks", since=since.isoformat(), limit=_COUNTED)
    counts = dict.fromkeys(("human", "machine", "unsure"), 0)
    for click in answer["items"]:
        counts[click["verdict"]] += 1
    return {**counts, "items": answer["items"], "more": bool(answer.get("next_cursor"))}


async def _candidate_labels(page: AccountPage, clicks: list[Json], names: Names) -> list[str]:
    """Return labels that may have been gained today: first those of links in clicked messages, then others."""
    clicked = dict.fromkeys(click["message_id"] for click in clicks if click["verdict"] == "human")
    messages = await page.api.each("tracking", [f"/v1/messages/{one}" for one in list(clicked)[:_MESSAGES]])
    links = [link for message in messages if message is not None for link in message["links"]]
    linked = [label["id"] for link in links for label in link["labels"]]
    return [one for one in dict.fromkeys([*linked, *names.labels]) if one in names.labels][:_LABELS]


async def _gained_today(page: AccountPage, clicks: list[Json], names: Names) -> list[tuple[str, int]]:
    """Return the labels that contacts gained today, with the number of contacts, most gained first."""
    labels = await _candidate_labels(page, clicks, names)
    counts = await counts_of(page.api, [{"label": {"id": label_id, "within_days": 1}} for label_id in labels])
    gained = [(label_id, count) for label_id, count in zip(labels, counts, strict=True) if count]
    return sorted(gained, key=lambda one: -one[1])


async def _entered_segments(page: AccountPage, since: datetime) -> Json:
    """Return the contacts that entered segments, newest first, as the API lists them."""
    if not page.features.has("segmentation", "/v1/membership-changes"):
        return {"items": []}
    return await page.api.get(
        "segmentation", "/v1/membership-changes", since=since.isoformat(), type="SegmentEntered", limit=_COUNTED
    )


def _by_segment(changes: list[Json], names: Names) -> list[tuple[str, int]]:
    """Return the number of contacts that entered each segment, in descending order."""
    entered: dict[str, set[int]] = {}
    for change in changes:
        if change["segment_id"] in names.segments:
            entered.setdefault(change["segment_id"], set()).add(change["contact_id"])
    return sorted(
        ((segment_id, len(contact_ids)) for segment_id, contact_ids in entered.items()), key=lambda pair: -pair[1]
    )


def _entries_in_feed(changes: list[Json], names: Names) -> list[Json]:
    """Return the latest entries into segments that events caused, for the feed."""
    by_events = [one for one in changes if one["reason"] == "event" and one["segment_id"] in names.segments]
    return [
        {
            "at": one["at"],
            "contact_id": one["contact_id"],
            "text": _('entered the segment "%(segment)s"', segment=names.segment(one["segment_id"])),
            "verdict": "human",
            "said": "",
        }
        for one in by_events[:_LATEST]
    ]


async def _runs_since(page: AccountPage, workflows: list[Json], since: datetime) -> list[Json]:
    """Return the latest runs of recently changed workflows, for the feed."""
    active = [one for one in workflows if one["state"] == "active"]
    watched = sorted(active, key=lambda one: str(one["changed_at"]), reverse=True)[:_WATCHED]
    answers = await page.api.each("workflow", [f"/v1/workflows/{one['id']}/runs?limit=5" for one in watched])
    return [
        {
            "at": run["started_at"],
            "contact_id": run["contact_id"],
            "text": _('entered the workflow "%(workflow)s"', workflow=workflow["name"]),
            "verdict": "human",
            "said": "",
        }
        for workflow, answer in zip(watched, answers, strict=True)
        for run in (answer or {"items": []})["items"]
        if datetime.fromisoformat(run["started_at"]) >= since
    ]


def _feed(clicks: list[Json], names: Names) -> list[Json]:
    return [
        {
            "at": click["occurred_at"],
            "contact_id": click["contact_id"],
            "text": _(
                'clicked on "%(link)s" in "%(message)s"',
                link=click["text"] or click["url"],
                message=names.message(click["message_id"]),
            ),
            "verdict": click["verdict"],
            "said": sentences.verdict(click["verdict"]),
        }
        for click in clicks
    ]


def _attention(page: AccountPage, segments: list[Json], workflows: list[Json]) -> list[tuple[str, str]]:
    """Return the broken definitions: a sentence and the page to go to for each."""
    broken_segments = [
        (_('The segment "%(name)s" is broken.', name=segment["name"]), page.url(f"segments/{segment['id']}"))
        for segment in segments
        if segment.get("broken")
    ]
    broken_workflows = [
        (_('The workflow "%(name)s" is broken.', name=workflow["name"]), page.url(f"workflows/{workflow['id']}"))
        for workflow in workflows
        if workflow.get("broken")
    ]
    return broken_segments + broken_workflows


async def _failures(page: AccountPage) -> list[tuple[str, str]]:
    """Return the failed jobs and held records; empty for a fragment of the page, which does not show them."""
    if page.is_fragment:
        return []
    services: tuple[ServiceName, ...] = ("tracking", "labeling", "segmentation", "workflow")
    jobs, held = await asyncio.gather(
        page.api.get("labeling", "/v1/jobs", limit=20),
        asyncio.gather(*(_held_records_in(page, service) for service in services if page.may("admin"))),
    )
    failed = [
        (_("A background job failed: %(kind)s.", kind=sentences.job_name(job["kind"])), page.url("settings"))
        for job in jobs["items"]
        if job["state"] == "failed"
    ]
    return failed + [failure for failure in held if failure is not None]


async def _held_records_in(page: AccountPage, service: ServiceName) -> tuple[str, str] | None:
    try:
        answer = await page.api.get(service, f"/v1/{service}-held-records", state="failed", limit=1)
    except (ApiProblem, Unreachable):
        return None
    if not answer["items"]:
        return None
    count = answer["total"] or "10,000+"
    text = _("%(count)s records could not be applied in %(service)s.", count=count, service=service)
    return text, "/operations"


def _first_steps(
    page: AccountPage, names: Names, contacts: int | None, clicked: int | None
) -> list[tuple[bool, str, str]]:
    """Return the first steps of a new account: whether each is done, its text, and its page."""
    return [
        (bool(names.labels), _("Create labels for the interests that you want to know about"), page.url("labels/new")),
        (bool(names.messages), _("Add a newsletter, and put labels on its links"), page.url("messages/new")),
        (bool(contacts), _("Add contacts"), page.url("contacts/new")),
        (bool(clicked), _("See the first clicks turn into labels"), page.url("contacts")),
        (bool(names.segments), _("Create a segment of interested contacts"), page.url("segments/new")),
        (bool(names.workflows), _("Let a workflow react to an interest"), page.url("workflows/new")),
    ]
