"""The command `inbox`: the mails that the embedded stack has sent."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from deploy.command_line.readable import plain, printable
from deploy.command_line.terminal import AsJson, fail, out, say, write_json
from deploy.embedded.home import Home
from deploy.embedded.inbox import mails_in
from deploy.embedded.settings import StackSettings


def inbox(
    number: Annotated[int | None, typer.Argument(min=1, help="Show this mail completely; 1 is the newest.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to list.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the mails that the stack on this machine has sent, newest first, or show one."""
    paths = mails_in(Home.at(StackSettings().home).inbox)
    if number is not None:
        if number > len(paths):
            fail(f"There are {len(paths)} mails.")
        _show(_read(paths[number - 1]))
        return
    summaries = [_summary(index, _read(path)) for index, path in enumerate(paths[:limit], start=1)]
    if as_json:
        for summary in summaries:
            write_json(summary)
        return
    if not summaries:
        say("No mails yet. A workflow, a campaign or a test sends some.")
        return
    table = Table("", "date", "to", "subject")
    for summary in summaries:
        table.add_row(*(plain(str(summary[name])) for name in ("number", "date", "to", "subject")))
    out.print(table)
    say(f"{len(paths)} mails.")


def _read(path: Path) -> EmailMessage:
    return message_from_bytes(path.read_bytes(), policy=default)


def _summary(number: int, mail: EmailMessage) -> dict[str, object]:
    headers = {name.lower(): str(mail[name]) for name in ("Date", "From", "To", "Subject", "Message-ID")}
    return {"number": number, **headers}


def _show(mail: EmailMessage) -> None:
    for name, value in mail.items():
        say(printable(f"{name}: {value}"))
    body = mail.get_body(preferencelist=("plain", "html"))
    say("")
    for line in (body.get_content() if body is not None else "").splitlines():
        say(printable(line))
