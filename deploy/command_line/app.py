"""The command line `penchant`: each command is a client of the services or of the stack on this machine."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from deploy.command_line.commands import (
    accounts,
    clicks,
    console,
    dead_letters,
    demo,
    exports,
    imports,
    inbox,
    kafka,
    keys,
    messages,
    recover,
    republish,
    stack,
    watch,
)
from deploy.command_line.terminal import EXIT_CODES, say
from deploy.embedded.error import StackError
from shared.settings import problems_of

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Interest labels for e-mail marketing.",
    epilog=EXIT_CODES,
)


def _version(requested: bool) -> None:
    if requested:
        say(f"penchant {version('penchant')}")
        raise typer.Exit


@app.callback()
def penchant(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Interest labels for e-mail marketing."""


app.command()(stack.up)
app.command()(stack.down)
app.command()(stack.status)
app.command()(stack.env)
app.command()(demo.demo)
app.command()(console.console)
app.command()(inbox.inbox)
app.add_typer(accounts.app, name="account")
app.add_typer(kafka.app, name="kafka")
app.add_typer(keys.app, name="key")
app.add_typer(messages.app, name="message")
app.command()(watch.watch)
app.command(name="import")(imports.import_file)
app.command(name="export")(exports.export)
app.add_typer(clicks.app, name="clicks")
app.add_typer(dead_letters.app, name="dead-letters")
app.command()(republish.republish)
app.command("recover-kafka")(recover.recover_kafka)


def main() -> None:
    """Run the command line; the exit codes are those in its help."""
    try:
        app()
    except (StackError, ValidationError) as problem:
        text = problems_of(problem) if isinstance(problem, ValidationError) else str(problem)
        Console(stderr=True, highlight=False).print(text, markup=False, soft_wrap=True)
        sys.exit(1)
