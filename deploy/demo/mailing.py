"""Plays the last part of the demo: a campaign to two audiences, its mails, a click in one of them, and the report."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import unescape
from pathlib import Path
from time import time
from typing import TypeVar

import httpx

from deploy.command_line.client import Client, Json
from deploy.command_line.feed import Feed
from deploy.demo import cast
from deploy.demo.play import DemoFailed, Performance, request_link, until
from deploy.demo.stage import Stage, tokens
from deploy.embedded.inbox import mails_in
from services.delivery.domain.composing import message_id

Found = TypeVar("Found")

STEP_WITHIN = 60.0  # seconds for each step
LOOK_EVERY = 0.1  # seconds
_TRACKED = re.compile(r'href="([^"]+/c/[^"]+)"')


@dataclass(frozen=True, slots=True)
class CampaignOutcome:
    """The outcome of the campaign. `mails` are those in the inbox, by contact; it is empty without an inbox."""

    counted: Json
    variants: Mapping[int, str]
    mails: Mapping[int, EmailMessage]
    report: Json


@dataclass(frozen=True, slots=True)
class CampaignPlay:
    """Plays the campaign. `inbox` is the folder of sent mails; None if mails go to the operator's server."""

    client: Client
    stage: Stage
    feed: Feed
    performance: Performance
    inbox: Path | None

    async def play(self) -> CampaignOutcome | None:
        """Launch the campaign, click in its mail, and wait for the report. Return None without campaigns."""
        stage, performance = self.stage, self.performance
        if stage.campaign is None:
            return None
        counted = await self._wait_for(self._count, "the audience was not complete")
        path = f"/v1/campaigns/{stage.campaign['id']}"
        launched = await self.client.post("segmentation", f"{path}/launch")
        await until(self.feed, stage, performance, STEP_WITHIN, lambda: len(performance.addressed) == counted["count"])
        variants = {event.contact_id: (event.content or {}).get(cast.BLOCK, "") for event in performance.addressed}
        mails = {} if self.inbox is None else await self._wait_for(self._mails, "the mails did not arrive")
        readers = [one for one, person in stage.contacts.items() if person.reads_the_campaign]
        send = {"kind": "campaign", "id": stage.campaign["id"], "sent_at": launched["launched_at"]}
        for contact_id in readers:
            await self._click(contact_id, variants[contact_id], mails.get(contact_id), send)
        expected = {(contact_id, stage.labels[cast.CAMPAIGN_LABEL]) for contact_id in readers}
        await until(self.feed, stage, performance, STEP_WITHIN, lambda: expected <= performance.assigned.keys())
        if not expected <= performance.assigned.keys():
            raise DemoFailed("the click in the campaign's mail assigned no label")

        async def report() -> Json | None:
            found = await self.client.get("segmentation", f"{path}/report")
            (label,) = found["labels"]
            # Without an inbox, mails may still be handed to a server, but their number is unknown here.
            sent = self.inbox is None or found["sent"]["count"] == len(mails)
            numbers = (found["clicked"]["count"], label["gained"])
            return found if sent and numbers == (len(readers), len(readers)) else None

        return CampaignOutcome(counted, variants, mails, await self._wait_for(report, "the report was not complete"))

    async def _count(self) -> Json | None:
        """Count the audience. Return None until it has all contacts who hold the label of a variant."""
        assert self.stage.campaign is not None
        wanted = {self.stage.labels[name] for name in cast.VARIANTS.values()}
        expected = {contact_id for contact_id, label_id in self.performance.assigned if label_id in wanted}
        body = {"include": self.stage.campaign["audience"]["include"], "message_id": self.stage.new_arrivals["id"]}
        found = await self.client.post("segmentation", "/v1/audiences/count", body)
        return found if found["count"] == len(expected) else None

    async def _mails(self) -> dict[int, EmailMessage] | None:
        """Return the campaign's mails by contact; None until all of them are in the inbox."""
        assert self.inbox is not None
        wanted = {
            message_id(f"{self.stage.account_id}:{event.idempotency_key}", "").removesuffix("@>"): event.contact_id
            for event in self.performance.addressed
        }
        found: dict[int, EmailMessage] = {}
        for path in mails_in(self.inbox)[:100]:
            mail = message_from_bytes(path.read_bytes(), policy=default)
            contact_id = wanted.get(str(mail["Message-ID"]).partition("@")[0])
            if contact_id is not None:
                found[contact_id] = mail
        return found if len(found) == len(wanted) else None

    async def _click(self, contact_id: int, variant: str, mail: EmailMessage | None, send: Json) -> None:
        """Click the link in the contact's block: as in the mail, or as a delivery pipeline would create it."""
        link = self.stage.variant_link(variant)
        if mail is not None:
            body = mail.get_body(("html",))
            (tracked,) = map(unescape, _TRACKED.findall(body.get_content() if body is not None else ""))
        else:
            created = await tokens(self.client, self.stage.new_arrivals, send, [contact_id])
            tracked = created[contact_id]["links"][link["id"]]
        async with httpx.AsyncClient(follow_redirects=False, timeout=30) as http:
            await request_link(http, "GET", tracked, link["url"], cast.BROWSER)

    async def _wait_for(self, search: Callable[[], Awaitable[Found | None]], failure: str) -> Found:
        """Watch the feed until `search` finds something. Raises DemoFailed if it finds nothing in time."""
        deadline = time() + STEP_WITHIN
        while (found := await search()) is None:
            if time() > deadline:
                raise DemoFailed(f"{failure} within {STEP_WITHIN:.0f} s")
            self.performance.watch(self.stage, await self.feed.next(within=LOOK_EVERY))
        return found


def mailing_sentences(mailing: CampaignOutcome | None, stage: Stage) -> list[str]:
    """Return the outcome of the campaign, one sentence per line."""
    if mailing is None:
        return ["Segmentation does not support campaigns here; the demo continues without them."]
    parts = ", ".join(
        f"{name} {part['count']}" for name, part in zip(cast.VARIANTS.values(), mailing.counted["parts"], strict=True)
    )
    seen = "; ".join(
        f"{', '.join(sorted(stage.contacts[one].name for one, got in mailing.variants.items() if got == variant))} "
        f"saw the {variant}"
        for variant in cast.VARIANTS
    )
    lines = [f"The campaign went to {len(mailing.variants)} contacts of two audiences ({parts}). In its block {seen}."]
    for contact_id, mail in mailing.mails.items():
        lines.append(f'  in the inbox: "{mail["Subject"]}" to {stage.contacts[contact_id].name}')
    if not mailing.mails:
        lines.append("There is no inbox here: the mails went to the mail server in the settings of delivery.")
    readers = ", ".join(person.name for person in cast.PEOPLE if person.reads_the_campaign)
    lines.append(f"{readers} clicked in that mail, and got {cast.CAMPAIGN_LABEL}.")
    report = mailing.report
    gained = ", ".join(f"{label['name']} gained by {label['gained']}" for label in report["labels"])
    lines.append(
        f"Its report: {report['requested']} requested, {report['sent']['count']} sent, "
        f"{report['clicked']['count']} clicked; {gained}."
    )
    return lines
