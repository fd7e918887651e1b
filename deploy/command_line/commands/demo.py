"""The command `demo`: a pet shop that shows what Penchant does."""

from typing import Annotated

import typer

from deploy.command_line.settings import CommandLineSettings
from deploy.command_line.terminal import AsJson, fail, run, say, write_json
from deploy.demo.play import DemoFailed
from deploy.demo.story import as_object, follow, invite, narrate, played


def demo(
    stay: Annotated[bool, typer.Option(help="Wait for a click of yours, and follow events, until Ctrl-C.")] = True,
    as_json: AsJson = False,
) -> None:
    """Play the demo, a pet shop in an account of its own: people click, labels follow, and then you click yourself."""

    async def command() -> None:
        async with played(CommandLineSettings.read().with_kafka()) as scene:
            if as_json:
                write_json(as_object(scene))
                return
            await narrate(scene)
            if stay:
                invite(scene)
                say("Events are shown below as they happen; Ctrl-C ends it.")
                await follow(scene, lambda: True)

    try:
        run(command())
    except DemoFailed as problem:
        fail(f"The demo failed: {problem}.")
