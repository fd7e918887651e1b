"""`penchant`: the terminal's commands, each a client of the four services or of the stack on this machine."""

import sys

import typer
from pydantic import ValidationError
from rich.console import Console

from deploy.embedded.error import StackError
from services.console.commands import stack

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Interest labels for e-mail marketing.",
)
app.command()(stack.up)
app.command()(stack.down)
app.command()(stack.status)
app.command()(stack.env)


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 it failed, 2 it was used wrongly, 3 nothing runs."""
    try:
        app()
    except (StackError, ValidationError) as problem:
        Console(stderr=True, highlight=False).print(str(problem), markup=False, soft_wrap=True)
        sys.exit(1)
