"""The commands `up`, `down`, `status` and `env` of the embedded stack."""

import asyncio
import json
import shlex
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from http.client import HTTPException
from types import FrameType
from typing import Annotated, Any, NoReturn
from xmlrpc.client import Fault

import httpx
import typer
from rich.table import Table

from deploy.command_line.condition import condition_of
from deploy.command_line.foreground import show
from deploy.command_line.terminal import INTERRUPTED, UNREACHABLE, AsJson, fail, out, say
from deploy.embedded import stack
from deploy.embedded.home import Home
from deploy.embedded.readiness import broker_unready, database_unready, service_unready
from deploy.embedded.settings import StackSettings
from deploy.embedded.stack_file import StackFile
from deploy.embedded.supervisor import Supervisor

ALMOST_FULL_MEGABYTES = 200

Detach = Annotated[bool, typer.Option("--detach", help="Run in the background; `penchant down` stops it.")]
Demo = Annotated[bool, typer.Option(help="Play the pet shop first, in an account of its own.")]


def up(detach: Detach = False, demo: Demo = True) -> None:
    """Start Kafka, PostgreSQL and the services on this machine; Ctrl-C stops them and keeps the data."""
    started = time.monotonic()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of shell scripts ignore SIGINT otherwise
    signal.signal(signal.SIGTERM, _as_interrupt)
    signal.signal(signal.SIGHUP, _as_interrupt)
    home = Home.at(StackSettings().home)
    try:
        running = stack.start(StackSettings(), say)
    except KeyboardInterrupt:
        say("Stopped. The data is kept.")
        raise typer.Exit(INTERRUPTED) from None
    say(f"Ready after {time.monotonic() - started:.0f} s.")
    if detach:
        _print_overview(running, home)
        say("  .venv/bin/penchant console    (a link that signs in to the console)")
        return
    try:
        show(home.is_locked, partial(_print_overview, running, home), _account_recorder(home) if demo else None)
    except KeyboardInterrupt:
        say("\nStopping.")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the stop
        stack.stop(home)
    say("Stopped. The data is kept; `make run` continues with it.")


def down() -> None:
    """Stop what `up` started, and keep the data."""
    home = Home.at(StackSettings().home)
    if not home.is_locked():
        say(f"Nothing runs on {home.path}.")
        return
    stack.stop(home)
    say("Stopped. The data is kept.")


def status(as_json: AsJson = False) -> None:
    """Show what runs. Exit codes: 0 if all of it is ready, 1 if something is not, 3 if nothing runs."""
    home = Home.at(StackSettings().home)
    supervisor = Supervisor(home)
    running = StackFile.read(home)
    if running is None or supervisor.condition() != "working":
        _exit_not_running(home, as_json=as_json)
    try:
        states, pids = supervisor.states(), supervisor.pids()
    except (OSError, HTTPException, Fault):  # supervisor ended during the request
        _exit_not_running(home, as_json=as_json)
    unready = asyncio.run(_unready(running))
    conditions = asyncio.run(_conditions(running))
    processes = {
        name: {
            "state": state,
            "pid": pids.get(name),
            "ready": state == "RUNNING" and unready.get(name) is None,
            "url": running.urls.get(name),
            "missing": unready.get(name),
            "condition": conditions.get(name, []),
        }
        for name, state in states.items()
    }
    if as_json:
        say(json.dumps({"running": True, "home": str(home.path), "processes": processes}))
    else:
        _show(processes)
        if home.free_megabytes() < ALMOST_FULL_MEGABYTES:
            say(f"The disk of {home.path} is full: {home.free_megabytes()} MB free.")
    if not all(process["ready"] for process in processes.values()):
        raise typer.Exit(1)


def env() -> None:
    """Print exports for a shell: eval "$(penchant env)"."""
    home = Home.at(StackSettings().home)
    running = StackFile.read(home)
    if running is None or not home.is_locked():
        fail(f"Nothing runs on {home.path}; `penchant up` starts it.", UNREACHABLE)
    values = {
        "PENCHANT_KAFKA": running.kafka,
        **{f"PENCHANT_{name.upper()}_URL": url for name, url in running.urls.items()},
        "PENCHANT_ACCOUNT_ID": running.account_id,
        "PENCHANT_API_KEY": running.api_key,
    }
    for name, value in values.items():
        if value is not None:
            say(f"export {name}={shlex.quote(str(value))}")


def _account_recorder(home: Home) -> Callable[[int], None] | None:
    """Return a function that stores the demo's account; None, with a message, if the demo was played before."""
    account_file = home.path / "demo"
    if account_file.exists():
        say(f"\nThe demo is account {account_file.read_text().strip()}; `penchant demo` plays another one.")
        return None

    def store(account_id: int) -> None:
        account_file.write_text(f"{account_id}\n")

    return store


def _print_overview(running: StackFile, home: Home) -> None:
    say(f"\nPenchant is running; its data is in {home.path}.")
    for name, url in running.urls.items():
        say(f"  {name:<13} {url}{'' if name == 'console' else '/docs'}")
    say(f"  {'kafka':<13} {running.kafka}")
    say("Your account is empty; in another terminal, try:" if _is_empty(running) else "In another terminal, try:")
    say('  eval "$(.venv/bin/penchant env)"')
    say('  curl -H "Authorization: Bearer $PENCHANT_API_KEY" $PENCHANT_LABELING_URL/v1/account')
    say("  .venv/bin/penchant message add YOUR-NEWSLETTER.html")


def _is_empty(running: StackFile) -> bool:
    """Return whether the account of the stack's user has no label, contact or message."""
    lists = {"labeling": ("/v1/labels", "/v1/contacts"), "tracking": ("/v1/messages",)}
    authorization = {"Authorization": f"Bearer {running.api_key}"}
    try:
        with httpx.Client(headers=authorization, params={"limit": 1}, timeout=10) as client:
            answers = [client.get(f"{running.urls[name]}{path}") for name, paths in lists.items() for path in paths]
    except httpx.HTTPError:
        return False  # the stack was stopped meanwhile
    return all(answer.is_success and not answer.json()["items"] for answer in answers)


async def _conditions(running: StackFile) -> dict[str, list[str]]:
    found = await asyncio.gather(*(condition_of(url) for url in running.urls.values()))
    return dict(zip(running.urls, found, strict=True))


async def _unready(running: StackFile) -> dict[str, str | None]:
    checks = {
        "kafka": broker_unready(StackSettings(kafka=running.kafka)),
        "postgres": database_unready(next(iter(running.databases.values()))),
        **{name: service_unready(url) for name, url in running.urls.items()},
    }
    return dict(zip(checks, await asyncio.gather(*checks.values()), strict=True))


def _exit_not_running(home: Home, *, as_json: bool) -> NoReturn:
    if as_json:
        say(json.dumps({"running": False, "home": str(home.path)}))
    else:
        say(stack.why_in_use(home) if home.is_locked() else f"Nothing runs on {home.path}.")
    raise typer.Exit(UNREACHABLE)


def _show(processes: Mapping[str, Mapping[str, Any]]) -> None:
    table = Table("", "state", "pid", "ready", "")
    for name, process in processes.items():
        ready = "yes" if process["ready"] else "no"
        table.add_row(
            name,
            str(process["state"]),
            str(process["pid"] or ""),
            ready,
            str(process["missing"] or process["url"] or ""),
        )
    out.print(table)
    for name, process in processes.items():
        for sentence in process["condition"]:
            say(f"{name}: {sentence}")


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    """Handle SIGHUP (the terminal closes) and SIGTERM like Ctrl-C, which stops the stack."""
    signal.raise_signal(signal.SIGINT)
