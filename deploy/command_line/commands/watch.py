"""The command `watch`: events as they happen."""

import json
from datetime import datetime
from typing import Annotated

import typer

from deploy.command_line.feed import CONTACT_TOPICS, Feed, Names, ReceivedEvent, sentence
from deploy.command_line.readable import printable
from deploy.command_line.settings import CommandLineSettings
from deploy.command_line.terminal import AsJson, err, run, say, write_json
from shared.events.codec import Tombstone, body_of
from shared.events.registry import EVENTS
from shared.events.topics import TOPICS

TYPES = sorted(model.name for model in EVENTS if TOPICS[model.topic].kind == "contact")


def watch(
    types: Annotated[
        list[str] | None, typer.Option("--type", help=f"Only these: {', '.join(TYPES)}. Repeatable.")
    ] = None,
    account: Annotated[int | None, typer.Option(help="Only events of this account.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print a line for each event of contacts, until Ctrl-C."""
    requested = set(types or TYPES)
    unknown = requested.difference(TYPES)
    if unknown:
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}; there are {', '.join(TYPES)}", param_hint="--type")
    topics = {model.topic for model in EVENTS.carried() if model.name in requested}

    async def command() -> None:
        settings = CommandLineSettings.read().with_kafka()

        def report_availability(is_away: bool) -> None:
            state = "does not answer; waiting" if is_away else "answers again"
            err.print(f"Kafka at {settings.kafka} {state}.", style="dim")

        async with Feed(settings, [topic for topic in CONTACT_TOPICS if topic in topics], report_availability) as feed:
            err.print(f"Following {settings.kafka}; Ctrl-C ends it.", style="dim")
            async for seen in feed:
                if (seen.type not in requested and types) or account not in (None, seen.account_id):
                    continue
                if as_json:
                    write_json(as_object(seen))
                else:
                    say(line(seen, feed.names))

    run(command())


def line(seen: ReceivedEvent, names: Names) -> str:
    """Return a line with the time, the account and the event."""
    line = f"{_time(seen.decoded.occurred_at)}  account {seen.account_id}  {sentence(seen.event, names)}"
    return printable(line)


def as_object(seen: ReceivedEvent) -> dict[str, object]:
    """Return the event with its topic, partition and offset; its members are those of the topic's schema."""
    decoded = seen.decoded
    event = None if isinstance(seen.event, Tombstone) else json.loads(body_of(seen.event))
    return {
        "type": seen.type,
        "topic": seen.topic,
        "partition": seen.partition,
        "offset": seen.offset,
        "sequence": decoded.sequence,
        "id": decoded.event_id,
        "source": decoded.source,
        "correlation_id": decoded.correlation_id,
        "causation_id": decoded.causation_id,
        "event": event,
    }


def _time(instant: datetime) -> str:
    return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
