"""The output of `up` once everything runs: the demo, then events, until Ctrl-C or until the stack stops."""

import asyncio
import logging
from collections.abc import Callable

import httpx
from aiokafka.errors import KafkaError

from deploy.command_line.client import ApiProblem, Unreachable
from deploy.command_line.commands.console import sign_in_link
from deploy.command_line.commands.watch import line
from deploy.command_line.feed import Feed
from deploy.command_line.settings import CommandLineSettings, NothingRuns
from deploy.command_line.terminal import say
from deploy.demo.play import DemoFailed
from deploy.demo.story import follow, invite, narrate, played
from shared.retrying import Pauses

# Raised by the demo when a process ends meanwhile, or is too slow.
EXPECTED_ERRORS = (
    DemoFailed,
    NothingRuns,
    ApiProblem,
    Unreachable,
    ConnectionError,
    LookupError,
    httpx.HTTPError,
    KafkaError,
)


def show(
    keeps_running: Callable[[], bool], print_overview: Callable[[], None], demo: Callable[[int], None] | None
) -> None:
    """Play the demo, print an overview, and follow events while `keeps_running`. Ctrl-C raises KeyboardInterrupt.

    `demo` is None for no demo; otherwise it is called with the demo's account. A failure of the demo is reported, and
    the stack keeps running.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # do not log that the broker is unavailable
    asyncio.run(_show(keeps_running, print_overview, demo))


async def _show(
    keeps_running: Callable[[], bool], print_overview: Callable[[], None], demo: Callable[[int], None] | None
) -> None:
    settings = CommandLineSettings.read()
    overview_printed = False
    if demo is not None:
        say("\nThe demo, a pet shop in an account of its own:\n")
        try:
            async with played(settings, demo) as scene:
                await narrate(scene)
                print_overview()
                overview_printed = True
                await _invite_to_console(settings, scene.stage.api_key)
                invite(scene)
                say("Events follow as they happen. Ctrl-C stops everything and keeps the data.\n")
                await follow(scene, keeps_running)
                return
        except EXPECTED_ERRORS as problem:
            if not keeps_running():
                return
            say(f"The demo failed: {problem}. The stack keeps running; `penchant demo` plays it again.")
    if not overview_printed:
        print_overview()
        await _invite_to_console(settings)
    say("\nEvents follow as they happen. Ctrl-C stops everything and keeps the data.\n")
    pauses = Pauses()
    while keeps_running():
        try:
            await _follow(settings, keeps_running)
        except (ConnectionError, LookupError, KafkaError) as problem:
            if not keeps_running():
                return
            say(f"{problem}; trying again.")
            await asyncio.sleep(pauses.after_failure())


async def _invite_to_console(settings: CommandLineSettings, demo_key: str | None = None) -> None:
    """Print a link to the console, which also shows the demo's account."""
    keys = [] if settings.api_key is None else [settings.api_key.get_secret_value()]
    try:
        link = await sign_in_link(settings, [*keys, *([demo_key] if demo_key else [])])
    except (NothingRuns, ApiProblem, Unreachable) as problem:
        say(f"The console did not create a link: {problem}")
        return
    say("\nThe console is where people work. This link signs you in, once; `penchant console` prints another one:\n")
    say(f"  {link}")


async def _follow(settings: CommandLineSettings, keeps_running: Callable[[], bool]) -> None:
    async with Feed(settings) as feed:
        while keeps_running():
            for seen in await feed.next():
                say(line(seen, feed.names))
