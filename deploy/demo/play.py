"""Plays the clicks of the demo, and waits for the labels, the segment and the workflow that follow from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import time

import httpx
from msgspec import convert

from deploy.command_line.client import Client, Json
from deploy.command_line.feed import Feed, Names, ReceivedEvent, why
from deploy.demo import cast
from deploy.demo.stage import Stage, Tokens, tokens
from shared.events.codec import rfc3339
from shared.events.labeling import LabelAssigned
from shared.events.messages import CampaignMessageRequested, MessageRequested
from shared.events.parts import Origin
from shared.events.segmentation import SegmentEntered

LABELS_WITHIN = 20.0  # seconds; normally it takes a fraction of a second
STORY_WITHIN = 15.0  # seconds for the segment and the workflow

Pair = tuple[int, str]  # contact and label id


class DemoFailed(Exception):
    """An expected event did not happen."""


@dataclass(slots=True)
class Performance:
    """The events of the demo so far."""

    sent: dict[Pair, float] = field(default_factory=dict)  # the time of the first click that should assign the label
    clicks: int = 0
    scans: int = 0
    assigned: dict[Pair, tuple[LabelAssigned, float]] = field(default_factory=dict)  # with the time of arrival
    entered: list[SegmentEntered] = field(default_factory=list)
    requested: list[MessageRequested] = field(default_factory=list)  # by the workflow
    addressed: list[CampaignMessageRequested] = field(default_factory=list)  # by the campaign

    def watch(self, stage: Stage, seen: Sequence[ReceivedEvent]) -> None:
        """Process events of the feed."""
        now = time()
        for one in seen:
            event = one.event
            if one.account_id != stage.account_id:
                continue
            if isinstance(event, LabelAssigned):
                self.assigned.setdefault((event.contact_id, str(event.label_id)), (event, now))
            elif isinstance(event, SegmentEntered):
                self.entered.append(event)
            elif isinstance(event, CampaignMessageRequested):
                self.addressed.append(event)
            elif isinstance(event, MessageRequested):
                self.requested.append(event)

    def milliseconds(self, pair: Pair) -> float | None:
        """Return the time from the request of the link to the label's event; None if no click caused the label."""
        if pair not in self.sent or pair not in self.assigned:
            return None
        return (self.assigned[pair][1] - self.sent[pair]) * 1000


async def people_click(stage: Stage, links: Tokens, feed: Feed, performance: Performance) -> None:
    """Let every contact click, and a scanner open all links of one of them; wait for the labels."""
    async with httpx.AsyncClient(follow_redirects=False, timeout=30) as http:
        for contact_id, person in stage.contacts.items():
            if person.scanned:
                for link in _trackable(stage):
                    await request_link(http, "HEAD", links[contact_id]["links"][link["id"]], link["url"], cast.SCANNER)
                    performance.scans += 1
            for text in person.clicks:
                link = stage.link(text)
                for name in cast.LINK_LABELS[text]:
                    performance.sent.setdefault((contact_id, stage.labels[name]), time())
                await request_link(http, "GET", links[contact_id]["links"][link["id"]], link["url"], cast.BROWSER)
                performance.clicks += 1
                performance.watch(stage, await feed.next(within=0.01))
    expected = performance.sent.keys()
    await until(feed, stage, performance, LABELS_WITHIN, lambda: expected <= performance.assigned.keys())
    missing = expected - performance.assigned.keys()
    if missing:
        raise DemoFailed(f"{len(missing)} labels were not assigned within {LABELS_WITHIN:.0f} s")


async def segment_and_workflow(client: Client, stage: Stage, feed: Feed, performance: Performance) -> None:
    """Wait for the consequences of the labels: entries into the segment, the guide, and the label Nurtured."""
    if stage.segment is not None:
        await until(feed, stage, performance, STORY_WITHIN, lambda: bool(performance.entered))
    if stage.workflow is None:
        return
    dogs = stage.labels["Dogs"]
    wanted = {contact_id for contact_id, label_id in performance.assigned if label_id == dogs}
    await until(
        feed, stage, performance, STORY_WITHIN, lambda: wanted <= {one.contact_id for one in performance.requested}
    )
    readers = [one for one in performance.requested if stage.contacts[one.contact_id].reads_the_guide]
    async with httpx.AsyncClient(follow_redirects=False, timeout=30) as http:
        for request in readers:
            await _read(http, client, stage, request)
    nurtured = {(request.contact_id, stage.labels["Nurtured"]) for request in readers}
    await until(feed, stage, performance, STORY_WITHIN, lambda: nurtured <= performance.assigned.keys())


async def reason(client: Client, event: LabelAssigned, names: Names) -> str:
    """Return why the contact has the label, from labeling's history."""
    path = f"/v1/contacts/{event.contact_id}/labels/{event.label_id}/history"
    origins = [convert(entry["origin"], Origin) async for entry in client.items("labeling", path)]
    if not origins:
        raise DemoFailed(f"{path} is empty")
    more = len(origins) - 1
    return why(origins[0], names) + (f", and {more} more" if more else "")


async def _read(http: httpx.AsyncClient, client: Client, stage: Stage, request: MessageRequested) -> None:
    # The demo acts as the delivery pipeline: it copies the workflow's send from the request to the token.
    send = {"kind": request.send.kind, "id": request.send.id, "sent_at": rfc3339(request.send.sent_at)}
    links = (await tokens(client, stage.guide, send, [request.contact_id]))[request.contact_id]["links"]
    link = next(link for link in stage.guide["links"] if link["trackable"])
    await request_link(http, "GET", links[link["id"]], link["url"], cast.BROWSER)


async def request_link(http: httpx.AsyncClient, method: str, tracked: str, target: str, user_agent: str) -> None:
    answer = await http.request(method, tracked, headers={"User-Agent": user_agent, "Accept": "text/html"})
    if answer.status_code != 302 or answer.headers.get("location") != target:
        raise DemoFailed(f"{tracked} answered {answer.status_code} {answer.headers.get('location')}, not {target}")


def _trackable(stage: Stage) -> list[Json]:
    return [link for link in stage.newsletter["links"] if link["trackable"]]


async def until(feed: Feed, stage: Stage, performance: Performance, within: float, done: Callable[[], bool]) -> None:
    """Watch the feed until `done`, for `within` seconds at most."""
    deadline = time() + within
    while not done() and time() < deadline:
        performance.watch(stage, await feed.next(within=0.02))
