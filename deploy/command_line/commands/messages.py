"""message: e-mails and the labels of their links."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.prompt import Prompt
from rich.table import Table

from deploy.command_line.client import Client, Json
from deploy.command_line.labels import Labels, names_in
from deploy.command_line.readable import plain
from deploy.command_line.settings import CommandLineSettings
from deploy.command_line.terminal import AsJson, fail, out, run, say, write_json

app = typer.Typer(no_args_is_help=True, help="E-mails and their links.")


@app.callback()
def messages() -> None:
    """E-mails and their links."""


@app.command()
def add(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The e-mail's HTML.")],
    name: Annotated[str | None, typer.Option(help="Of the message; the file's name unless said.")] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="LINK=NAME[,NAME]", help='Labels of a link, by its number: "3=Dogs,Puppies". Repeatable.'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Register an e-mail, list its links, and label them: by --label, or by asking for each at a terminal."""
    wanted = _parsed(label or [])
    html = _html_of(file)

    async def command() -> None:
        async with Client(CommandLineSettings.read()) as client:
            message = await client.post("tracking", "/v1/messages", {"name": name or file.stem, "html": html})
            links: list[Json] = message["links"]
            numbers = {link["number"]: link for link in links}
            unknown = sorted(number for number in wanted if not numbers.get(number, {}).get("trackable"))
            chosen = {number: names for number, names in wanted.items() if number not in unknown}
            if not as_json:
                _show(links)
            if not label and not as_json and sys.stdin.isatty() and sys.stdout.isatty():
                chosen = _ask(links)
            labels = Labels(client)
            if chosen:
                await labels.read()
                of_links = {numbers[number]["id"]: await labels.ids(names) for number, names in chosen.items()}
                await client.put("tracking", f"/v1/messages/{message['id']}/link-labels", of_links)
                links = [link async for link in client.items("tracking", f"/v1/messages/{message['id']}/links")]
            if as_json:
                write_json({**message, "links": links, "labels_created": labels.created})
            else:
                _conclude(message, chosen, labels.created)
            if unknown:
                fail(f"No link with this number can be labelled: {', '.join(map(str, unknown))}")

    run(command())


def _parsed(options: Sequence[str]) -> dict[int, list[str]]:
    wanted: dict[int, list[str]] = {}
    for option in options:
        number, equals, names = option.partition("=")
        if not (equals and number.strip().isdecimal() and names_in(names)):
            raise typer.BadParameter(f"{option!r} is not LINK=NAME", param_hint="--label")
        wanted.setdefault(int(number), []).extend(names_in(names))
    return wanted


def _html_of(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as problem:
        fail(f"{file} is not UTF-8 (byte {problem.start}); convert it first, for its bytes are kept as they are.")


def _show(links: Sequence[Json]) -> None:
    table = Table("link", "text", "leads to", "labels")
    for link in links:
        names = ", ".join(label["name"] for label in link["labels"])
        leads = link["url"] if link["trackable"] else f"{link['url']}  [not trackable: {link.get('reason')}]"
        table.add_row(*(plain(cell) for cell in (str(link["number"]), link["text"], leads, names)))
    out.print(table)


def _ask(links: Sequence[Json]) -> dict[int, list[str]]:
    say("Which labels does each link carry? Several with commas; nothing for none.")
    chosen: dict[int, list[str]] = {}
    for link in links:
        if link["trackable"]:
            asked = plain(f"{link['number']}  {link['text'] or link['url']}")
            names = names_in(Prompt.ask(asked, console=out, default="", show_default=False))
            if names:
                chosen[link["number"]] = names
    return chosen


def _conclude(message: Json, chosen: Mapping[int, Sequence[str]], created: Sequence[str]) -> None:
    say(f"Message {message['id']}, revision {message['revision']}, {len(message['links'])} links.")
    for number, names in sorted(chosen.items()):
        say(f"  link {number}: {', '.join(names)}")
    if created:
        say(f"New labels: {', '.join(created)}")
