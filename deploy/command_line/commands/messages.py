"""The commands `message`: e-mails and the labels of their links."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import typer
from rich.prompt import Prompt
from rich.table import Table

from deploy.command_line.client import Client, Json
from deploy.command_line.labels import Labels, names_in
from deploy.command_line.readable import plain
from deploy.command_line.settings import CommandLineSettings
from deploy.command_line.terminal import INTERRUPTED, AsJson, err, fail, out, run, say, write_json
from services.tracking.domain.links import find_links
from services.tracking.domain.revisions import revise

app = typer.Typer(no_args_is_help=True, help="E-mails and their links.")


@app.callback()
def messages() -> None:
    """E-mails and their links."""


@app.command()
def add(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The e-mail's HTML.")],
    name: Annotated[str | None, typer.Option(help="Name of the message; the file's name unless given.")] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="LINK=NAME[,NAME]", help='Labels of a link, by its number: "3=Dogs,Puppies". Repeatable.'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Register an e-mail, list its links, and label them: with --label, or by a prompt for each at a terminal.

    Nothing is registered before all prompts are answered: Ctrl-C at a prompt changes nothing.
    """
    requested = _parsed(label or [])
    html = _html_of(file)
    interactive = not label and not as_json and _is_terminal()
    if interactive:
        # Outside the event loop, which would delay Ctrl-C until the line is entered.
        found = _links_of(html, _tracking_url())
        _show(found)
        requested = _prompt_for_labels(found)

    async def command() -> None:
        async with Client(CommandLineSettings.read()) as client:
            message = await client.post("tracking", "/v1/messages", {"name": name or file.stem, "html": html})
            links: list[Json] = message["links"]
            numbers = {link["number"]: link for link in links}
            unknown = sorted(number for number in requested if not numbers.get(number, {}).get("trackable"))
            chosen = {number: names for number, names in requested.items() if number not in unknown}
            if not as_json and not interactive:
                _show(links)
            labels = Labels(client)
            if chosen:
                await labels.read()
                of_links = {numbers[number]["id"]: await labels.ids(names) for number, names in chosen.items()}
                await client.put("tracking", f"/v1/messages/{message['id']}/link-labels", of_links)
                links = [link async for link in client.items("tracking", f"/v1/messages/{message['id']}/links")]
            if as_json:
                write_json({**message, "links": links, "labels_created": labels.created})
            else:
                _print_result(message, chosen, labels.created)
            if unknown:
                fail(f"No link with this number can be labelled: {', '.join(map(str, unknown))}")

    run(command())


@app.command("list")
def list_messages(as_json: AsJson = False) -> None:
    """List the registered e-mails."""

    async def command() -> None:
        async with Client(CommandLineSettings.read()) as client:
            found = [message async for message in client.items("tracking", "/v1/messages")]
        if as_json:
            for message in found:
                write_json(message)
            return
        table = Table("message", "name", "revision", "links")
        for message in found:
            cells = (message["id"], message["name"], message["revision"], len(message["links"]))
            table.add_row(*(plain(str(cell)) for cell in cells))
        out.print(table)

    run(command())


@app.command()
def delete(
    message_id: Annotated[UUID, typer.Argument(metavar="MESSAGE", help="The id, as shown by `penchant message list`.")],
    force: Annotated[
        bool, typer.Option("--force", help="Delete it even if segments or workflows use it; they become broken.")
    ] = False,
) -> None:
    """Delete an e-mail. Links in mails that were sent keep working."""

    async def command() -> None:
        async with Client(CommandLineSettings.read()) as client:
            await client.delete("tracking", f"/v1/messages/{message_id}{'?force=true' if force else ''}")
        say(f"Message {message_id} is deleted.")

    run(command())


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _tracking_url() -> str:
    """Return tracking's URL; end the command if nothing runs."""
    found: list[str] = []

    async def read_settings() -> None:
        found.append(CommandLineSettings.read().url("tracking"))

    run(read_settings())
    return found[0]


def _links_of(html: str, tracking_url: str) -> list[Json]:
    """Return the links that tracking will find in a message that is not registered yet."""
    revised = revise((), find_links(html, (tracking_url,)), uuid4)
    return [
        {
            "number": link.number, "text": link.text, "url": link.url, "trackable": link.trackable,
            "reason": link.reason, "labels": [],
        }
        for link in revised.links
    ]  # fmt: skip


def _parsed(options: Sequence[str]) -> dict[int, list[str]]:
    requested: dict[int, list[str]] = {}
    for option in options:
        number, equals, names = option.partition("=")
        if not (equals and number.strip().isdecimal() and names_in(names)):
            raise typer.BadParameter(f"{option!r} is not LINK=NAME", param_hint="--label")
        requested.setdefault(int(number), []).extend(names_in(names))
    return requested


def _html_of(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as problem:
        fail(f"{file} is not UTF-8 (byte {problem.start}); convert it first, because its bytes are stored unchanged.")


def _show(links: Sequence[Json]) -> None:
    table = Table("link", "text", "leads to", "labels")
    for link in links:
        names = ", ".join(label["name"] for label in link["labels"])
        leads = link["url"] if link["trackable"] else f"{link['url']}  [not trackable: {link.get('reason')}]"
        table.add_row(*(plain(cell) for cell in (str(link["number"]), link["text"], leads, names)))
    out.print(table)


def _prompt_for_labels(links: Sequence[Json]) -> dict[int, list[str]]:
    say(
        "Which labels does each link carry? Separate several with commas; leave empty for none. "
        "Ctrl-D skips the rest; Ctrl-C stops without registering anything."
    )
    chosen: dict[int, list[str]] = {}
    for link in links:
        if link["trackable"]:
            prompt = plain(f"{link['number']}  {link['text'] or link['url']}")
            try:
                names = names_in(Prompt.ask(prompt, console=out, default="", show_default=False))
            except EOFError:
                say("")
                return chosen
            except KeyboardInterrupt:
                err.print("\nNothing was registered.")
                raise typer.Exit(INTERRUPTED) from None
            if names:
                chosen[link["number"]] = names
    return chosen


def _print_result(message: Json, chosen: Mapping[int, Sequence[str]], created: Sequence[str]) -> None:
    say(f"Message {message['id']}, revision {message['revision']}, {len(message['links'])} links.")
    for number, names in sorted(chosen.items()):
        say(f"  link {number}: {', '.join(names)}")
    if created:
        say(f"New labels: {', '.join(created)}")
