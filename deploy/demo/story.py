"""Plays the demo from beginning to end, and prints what happens."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from time import time

from pydantic_core import to_jsonable_python
from rich.table import Table

from deploy.command_line.client import Client, Json
from deploy.command_line.commands.accounts import create_account
from deploy.command_line.commands.watch import line
from deploy.command_line.feed import Feed
from deploy.command_line.settings import CommandLineSettings
from deploy.command_line.terminal import out, say
from deploy.demo import cast
from deploy.demo.mailing import CampaignOutcome, CampaignPlay, mailing_sentences
from deploy.demo.play import DemoFailed, Performance, people_click, reason, segment_and_workflow
from deploy.demo.shop import Shop
from deploy.demo.stage import Stage, set_up, spring_send, tokens
from deploy.embedded.home import Home
from shared.events.labeling import LabelAssigned
from shared.events.tracking import ContactClicked


@dataclass(frozen=True, slots=True)
class Scene:
    """A demo that has been played and can be followed."""

    client: Client
    feed: Feed
    stage: Stage
    performance: Performance
    mailing: CampaignOutcome | None
    your_link: str


@asynccontextmanager
async def played(
    settings: CommandLineSettings, on_created: Callable[[int], None] = lambda _: None
) -> AsyncIterator[Scene]:
    """Play the demo in an account of its own; the shop that the links lead to stays open until the end of the block.

    `on_created` is called with the account once it exists, even if the demo fails later. Raises DemoFailed if an
    expected event does not happen.
    """
    created = await create_account(settings, cast.ACCOUNT, cast.TIME_ZONE)
    stage = Stage(created["account_id"], created["api_key"])
    on_created(stage.account_id)
    with Shop() as shop:
        async with Client(settings, stage.api_key) as client, Feed(settings) as feed:
            await set_up(client, stage, shop.url)
            links = await tokens(client, stage.newsletter, spring_send(), list(stage.contacts))
            feed.names.people = {
                (stage.account_id, contact_id): person.name for contact_id, person in stage.contacts.items()
            }
            performance = Performance()
            await people_click(stage, links, feed, performance)
            await segment_and_workflow(client, stage, feed, performance)
            inbox = Home.at(settings.home).inbox
            campaign_play = CampaignPlay(client, stage, feed, performance, inbox if inbox.is_dir() else None)
            mailing = await campaign_play.play()
            your_link = links[stage.contact_of(cast.YOU)]["links"][stage.link(cast.YOUR_LINK)["id"]]
            yield Scene(client, feed, stage, performance, mailing, your_link)


async def narrate(scene: Scene) -> None:
    """Print which contact got which label, and why."""
    stage, performance, names = scene.stage, scene.performance, scene.feed.names
    table = Table("who", "got", "why", "after", title="Who got which label, and why")
    for pair, (event, _) in sorted(performance.assigned.items(), key=lambda item: (item[0][0], item[1][1])):
        milliseconds = performance.milliseconds(pair)
        after = "" if milliseconds is None else f"{milliseconds:.0f} ms"
        person = stage.contacts[event.contact_id]
        table.add_row(
            f"{person.name}, {person.city}", event.label_name, await reason(scene.client, event, names), after
        )
    holders = {contact_id for contact_id, _ in performance.assigned}
    for contact_id, person in stage.contacts.items():
        if person.scanned and contact_id not in holders:
            table.add_row(f"{person.name}, {person.city}", "nothing", "a mail scanner opened every link", "")
    out.print(table)
    times = [took for pair in performance.sent if (took := performance.milliseconds(pair)) is not None]
    say(
        f"{performance.clicks} clicks by people, {performance.scans} requests by a scanner; from click to label: "
        f"median {median(times):.0f} ms, at most {max(times):.0f} ms."
    )
    _narrate_segment(scene)
    _narrate_workflow(scene)
    for sentence in mailing_sentences(scene.mailing, stage):
        say(sentence)
    say(f"The demo is account {stage.account_id}; to look around in it: export PENCHANT_API_KEY={stage.api_key}")


def invite(scene: Scene) -> None:
    """Print a link for the user to click."""
    say("\nNow you. This is your link in the newsletter; click it, or open it in a browser:\n")
    say(f"  {scene.your_link}\n")


async def follow(scene: Scene, keeps_running: Callable[[], bool]) -> None:
    """Print a line for each event, and describe the effect of the user's own clicks, while `keeps_running`."""
    you = scene.stage.contact_of(cast.YOU)
    held = {label_id for contact_id, label_id in scene.performance.assigned if contact_id == you}
    while keeps_running():
        for seen in await scene.feed.next():
            say(line(seen, scene.feed.names))
            event = seen.event
            if seen.account_id != scene.stage.account_id or getattr(event, "contact_id", None) != you:
                continue
            if isinstance(event, LabelAssigned) and event.origin.kind == "click":
                held.add(str(event.label_id))
                say(_answer(scene, event))
            elif isinstance(event, ContactClicked) and event.verdict == "human":
                again = [label for label in event.labels if str(label.id) in held]
                if again:
                    ms = (time() - event.occurred_at.timestamp()) * 1000
                    names = " and ".join(label.name for label in again)
                    link = scene.feed.names.link(event.link_id)
                    say(f"→ you clicked {link} again: {names} stays, one more click, {ms:.0f} ms")


def _answer(scene: Scene, event: LabelAssigned) -> str:
    milliseconds = (time() - event.occurred_at.timestamp()) * 1000
    names = scene.feed.names
    link, label = names.link(event.origin.link_id), event.label_name
    reason_text = f"because that link in {names.message(event.origin.message_id)} carries {label}"
    return f"→ you clicked {link}, {label}, first click, {milliseconds:.0f} ms: {reason_text}"


def _narrate_segment(scene: Scene) -> None:
    if scene.stage.segment is None:
        say("Segmentation does not support segments here; the demo continues without it.")
        return
    if not scene.performance.entered:
        raise DemoFailed("no contact entered the segment")
    for event in scene.performance.entered:
        who = scene.stage.contacts[event.contact_id].name
        say(f'{who} entered the segment "{event.segment_name}": 3 clicks on Dogs within 30 days.')


def _narrate_workflow(scene: Scene) -> None:
    if scene.stage.workflow is None:
        say("Workflows are not supported here; the demo continues without them.")
        return
    sent = sorted(scene.stage.contacts[event.contact_id].name for event in scene.performance.requested)
    nurtured = sorted(
        scene.stage.contacts[contact_id].name
        for contact_id, label_id in scene.performance.assigned
        if label_id == scene.stage.labels["Nurtured"]
    )
    if not nurtured:
        raise DemoFailed("no contact got the label Nurtured from the workflow")
    say(f"The workflow sent the puppy guide to {', '.join(sent)}. {', '.join(nurtured)} read it, and got Nurtured.")


def as_object(scene: Scene) -> Json:
    """Return the demo's results as JSON values, for programs."""
    stage, performance = scene.stage, scene.performance
    return {
        "account_id": stage.account_id,
        "api_key": stage.api_key,
        "clicks": performance.clicks,
        "scans": performance.scans,
        "assigned": [
            {
                "contact_id": event.contact_id,
                "name": stage.contacts[event.contact_id].name,
                "label": event.label_name,
                "origin": to_jsonable_python(event.origin),
                "milliseconds": performance.milliseconds(pair),
            }
            for pair, (event, _) in performance.assigned.items()
        ],
        "entered": [stage.contacts[event.contact_id].name for event in performance.entered],
        "requested": [stage.contacts[event.contact_id].name for event in performance.requested],
        "campaign": None if scene.mailing is None else _mailing_as_object(scene.mailing, stage),
        "your_contact_id": stage.contact_of(cast.YOU),
        "your_link": scene.your_link,
    }


def _mailing_as_object(mailing: CampaignOutcome, stage: Stage) -> Json:
    return {
        "variants": {stage.contacts[one].name: variant for one, variant in mailing.variants.items()},
        "mails": {stage.contacts[one].name: str(mail["Subject"]) for one, mail in mailing.mails.items()},
        "report": mailing.report,
    }
