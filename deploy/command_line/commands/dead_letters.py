"""The commands `dead-letters`: list records that could not be used, and replay them.

There are two kinds. Dead letters are in Kafka: intake records that can never be used. Held records are in a
service's database: records of any topic on which its code failed.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Column, Table

from deploy.command_line.client import Client
from deploy.command_line.held import HeldRecord, HeldRecords
from deploy.command_line.readable import as_json as value_as_json
from deploy.command_line.readable import as_text, plain
from deploy.command_line.settings import CommandLineSettings
from deploy.command_line.terminal import AsJson, err, fail, out, run, say, write_json
from shared.bus.letters import Letter, Letters
from shared.events.topics import TOPICS

app = typer.Typer(no_args_is_help=True, help="Rejected records: list them, and replay them.")

Entry = Letter | HeldRecord
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="Ids, as shown by `list`.")]
Topic = Annotated[str | None, typer.Option(help="Only records of this topic, such as intake.clicks.")]
Reason = Annotated[str | None, typer.Option(help="Only records whose reason contains this text.")]


class RejectedRecords:
    """Dead letters and held records together."""

    def __init__(self, letters: Letters, held: HeldRecords | None) -> None:
        self.letters = letters
        self.held = held

    async def read(self, *, replayed: bool = False) -> list[Entry]:
        """Return all entries; with `replayed`, also dead letters that were replayed."""
        entries: list[Entry] = [*await self.letters.read(replayed=replayed)]
        if self.held is None:
            err.print("Held records are not shown: they need PENCHANT_OPERATOR_KEY.", style="dim")
            return entries
        entries += await self.held.read()
        for reason in self.held.unavailable.values():
            err.print(f"Held records are not shown: {reason}", style="dim", markup=False)
        return entries

    async def replay(self, entries: Sequence[Entry]) -> int:
        """Replay the entries. Return the number of records, including those held behind a held one."""
        count = await self.letters.replay([entry for entry in entries if isinstance(entry, Letter)])
        held = [entry for entry in entries if isinstance(entry, HeldRecord)]
        return count + (await self.held.replay(held) if self.held is not None and held else 0)


@asynccontextmanager
async def open_records() -> AsyncIterator[RejectedRecords]:
    """Open the rejected records that the settings give access to."""
    settings = CommandLineSettings.read().with_kafka()
    async with Letters(settings) as letters:
        if settings.operator_key is None:
            yield RejectedRecords(letters, None)
            return
        async with Client(settings, settings.operator_key.get_secret_value()) as client:
            yield RejectedRecords(letters, HeldRecords(settings, client))


@app.command("list")
def list_entries(
    topic: Topic = None,
    reason: Reason = None,
    replayed: Annotated[bool, typer.Option("--replayed", help="Include replayed dead letters.")] = False,
    as_json: AsJson = False,
) -> None:
    """List rejected records, and records that a service could not process. Oldest first."""

    async def command() -> None:
        async with open_records() as records:
            found = _select(await records.read(replayed=replayed), None, topic, reason)
        if as_json:
            for entry in found:
                write_json(_summary(entry))
            return
        table = Table(Column("id", no_wrap=True), Column("since", no_wrap=True), Column("reason", overflow="fold"))
        for entry in found:
            since = _since(entry).astimezone().strftime("%Y-%m-%d %H:%M:%S")
            prefix = f"{entry.topic}, contact {entry.contact_id}: " if isinstance(entry, HeldRecord) else ""
            table.add_row(entry.id, since, plain(prefix + entry.reason))
        if found:
            out.print(table)
        say(f"{len(found)} records.")

    run(command())


@app.command()
def show(entry_id: Annotated[str, typer.Argument(metavar="ID")], as_json: AsJson = False) -> None:
    """Show one record, a dead letter with its value, which may contain personal data."""

    async def command() -> None:
        async with open_records() as records:
            (entry,) = _select(await records.read(replayed=True), [entry_id], None, None)
        details = _summary(entry)
        if isinstance(entry, Letter):
            headers = {name: as_text(value) for name, value in entry.headers}
            details |= {"key": as_text(entry.key), "headers": headers, "value": value_as_json(entry.value)}
        if as_json:
            write_json(details)
        else:
            out.print_json(json.dumps(details, ensure_ascii=False))

    run(command())


@app.command()
def replay(
    entry_ids: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that `list` shows.")] = False,
    topic: Topic = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Replay: dead letters return to their topics unchanged, held records to the service, contact by contact.

    Records that were applied before change nothing.
    """
    if not (entry_ids or everything or topic or reason):
        raise typer.BadParameter("give ids, or at least one of --all, --topic and --reason")

    async def command() -> None:
        async with open_records() as records:
            found = _select(await records.read(replayed=bool(entry_ids)), entry_ids, topic, reason)
            replayable = [entry for entry in found if _is_replayable(entry)]
            count = await records.replay(replayable)
        not_replayed = [entry.id for entry in found if not _is_replayable(entry)]
        if as_json:
            write_json({"records": count, "replayed": [entry.id for entry in replayable], "not_replayed": not_replayed})
        else:
            say(f"{count} replayed.")
        if not_replayed:
            fail(f"Not replayed, because their origin is unknown: {', '.join(not_replayed)}")

    run(command())


def _select(entries: Sequence[Entry], ids: Sequence[str] | None, topic: str | None, reason: str | None) -> list[Entry]:
    by_id = {entry.id: entry for entry in entries}
    missing = [entry_id for entry_id in ids or () if entry_id not in by_id]
    if missing:
        fail(f"There is no {', '.join(missing)}")
    candidates = [by_id[entry_id] for entry_id in dict.fromkeys(ids)] if ids else sorted(entries, key=_since)
    return [
        entry
        for entry in candidates
        if topic in (None, _origin(entry)) and (reason or "").casefold() in entry.reason.casefold()
    ]


def _since(entry: Entry) -> datetime:
    return entry.died_at if isinstance(entry, Letter) else entry.held_at


def _origin(entry: Entry) -> str:
    return entry.origin_topic if isinstance(entry, Letter) else entry.topic


def _is_replayable(entry: Entry) -> bool:
    origin = TOPICS.get(_origin(entry))
    return isinstance(entry, HeldRecord) or (origin is not None and origin.kind == "intake")


def _summary(entry: Entry) -> dict[str, object]:
    common = {"id": entry.id, "since": _since(entry).isoformat(), "topic": _origin(entry), "reason": entry.reason}
    if isinstance(entry, Letter):
        place = {"partition": entry.origin_partition, "offset": entry.origin_offset}
        return {"kind": "dead", **common, **place, "service": entry.service}
    return {
        "kind": "held",
        **common,
        "partition": entry.partition,
        "offset": entry.offset,
        "service": entry.service,
        "account_id": entry.account_id,
        "contact_id": entry.contact_id,
    }
