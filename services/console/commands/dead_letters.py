"""dead-letters: records that could not be used, and another try."""

import base64
import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from services.console.settings import ConsoleSettings
from services.console.terminal import AsJson, fail, out, run, say, write_json
from shared.bus.letters import Letter, Letters
from shared.events.topics import TOPICS

app = typer.Typer(no_args_is_help=True, help="Records that could not be used, and another try.")

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="As `list` shows them.")]
Topic = Annotated[str | None, typer.Option(help="Only those that came on this topic, such as intake.clicks.")]
Reason = Annotated[str | None, typer.Option(help="Only those with this in their reason.")]


@app.command("list")
def list_letters(
    topic: Topic = None,
    reason: Reason = None,
    replayed: Annotated[bool, typer.Option("--replayed", help="Those too that were replayed.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the dead letters that were not replayed, oldest first."""

    async def command() -> None:
        async with Letters(ConsoleSettings.read()) as letters:
            found = _chosen(await letters.read(replayed=replayed), None, topic, reason)
        if as_json:
            for letter in found:
                write_json(_summary(letter))
            return
        table = Table("id", "died", "by", "reason")
        for letter in found:
            died = letter.died_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
            table.add_row(letter.id, died, letter.service, letter.reason.replace("[", "\\["))
        if found:
            out.print(table)
        say(f"{len(found)} dead letters.")

    run(command())


@app.command()
def show(letter_id: Annotated[str, typer.Argument(metavar="ID")], as_json: AsJson = False) -> None:
    """Show one dead letter whole. It may hold personal data."""

    async def command() -> None:
        async with Letters(ConsoleSettings.read()) as letters:
            (letter,) = _chosen(await letters.read(replayed=True), [letter_id], None, None)
        whole = {
            **_summary(letter),
            "key": _readable(letter.key),
            "headers": {name: _readable(value) for name, value in letter.headers},
            "value": _readable(letter.value),
        }
        if as_json:
            write_json(whole)
        else:
            out.print_json(json.dumps(whole, ensure_ascii=False))

    run(command())


@app.command()
def replay(
    letter_ids: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="All that `list` shows.")] = False,
    topic: Topic = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters back to the topics they came from, unchanged. One that was applied before changes nothing."""
    if not (letter_ids or everything or topic or reason):
        raise typer.BadParameter("name ids, or --all, --topic, --reason")

    async def command() -> None:
        async with Letters(ConsoleSettings.read()) as letters:
            found = _chosen(await letters.read(replayed=bool(letter_ids)), letter_ids, topic, reason)
            sent = [letter for letter in found if _goes_back(letter)]
            count = await letters.replay(sent)
        stuck = [letter.id for letter in found if not _goes_back(letter)]
        if as_json:
            write_json({"replayed": [letter.id for letter in sent], "not_replayed": stuck})
        else:
            say(f"{count} replayed.")
        if stuck:
            fail(f"Not replayed, for nobody knows where they came from: {', '.join(stuck)}")

    run(command())


def _chosen(
    letters: Sequence[Letter], ids: Sequence[str] | None, topic: str | None, reason: str | None
) -> list[Letter]:
    by_id = {letter.id: letter for letter in letters}
    missing = [letter_id for letter_id in ids or () if letter_id not in by_id]
    if missing:
        fail(f"No such dead letter: {', '.join(missing)}")
    candidates = [by_id[letter_id] for letter_id in dict.fromkeys(ids)] if ids else letters
    return [
        letter
        for letter in candidates
        if topic in (None, letter.origin_topic) and (reason or "").casefold() in letter.reason.casefold()
    ]


def _goes_back(letter: Letter) -> bool:
    origin = TOPICS.get(letter.origin_topic)
    return origin is not None and origin.kind == "intake"


def _summary(letter: Letter) -> dict[str, object]:
    return {
        "id": letter.id,
        "died_at": letter.died_at.isoformat(),
        "reason": letter.reason,
        "service": letter.service,
        "topic": letter.origin_topic,
        "partition": letter.origin_partition,
        "offset": letter.origin_offset,
    }


def _readable(raw: bytes | None) -> object:
    """JSON as JSON, text as text, and other bytes as `{"base64": …}`."""
    if raw is None:
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}
    try:
        return json.loads(text)
    except ValueError:
        return text
