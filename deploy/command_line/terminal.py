"""The output and the exit codes of commands."""

import asyncio
import json
import logging
import sys
from collections.abc import Coroutine
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from deploy.command_line.client import ApiProblem, Unreachable
from deploy.command_line.settings import NothingRuns

FAILED = 1
UNREACHABLE = 3
REFUSED = 4
INTERRUPTED = 130  # the exit code of shells for a process that SIGINT ended

EXIT_CODES = (
    "Exit codes: 0 success; 1 failure, or a part was refused; 2 wrong usage; 3 nothing runs, or no service answers; "
    "4 a service refused; 130 interrupted."
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Print a line for people."""
    out.print(text, markup=False, soft_wrap=True)


def write_json(value: object) -> None:
    """Write one line of JSON, and flush it for programs that read the output as a stream."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def fail(message: str, code: int = FAILED) -> NoReturn:
    """Print a message to standard error, and end the command."""
    err.print(message, markup=False, soft_wrap=True)
    raise typer.Exit(code)


def run(command: Coroutine[Any, Any, None]) -> None:
    """Run a command; convert its errors to a message and an exit code."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its message is printed below
    try:
        asyncio.run(command)
    except (NothingRuns, Unreachable, ConnectionError, LookupError) as problem:
        # A LookupError means that a topic does not exist: this is an unrelated Kafka, or it was never set up.
        fail(_text(problem), UNREACHABLE)
    except ApiProblem as problem:
        fail(_text(problem), REFUSED)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _text(problem: BaseException) -> str:
    return str(problem.args[0]) if problem.args else type(problem).__name__
