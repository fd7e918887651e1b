"""The command `recover-kafka`: publishes all topics again to a Kafka that has lost its data."""

import os
import subprocess
import sys
from typing import Annotated

import typer

from deploy.command_line.commands.republish import OWNED
from deploy.command_line.terminal import fail, say
from deploy.embedded import stack
from deploy.embedded.home import Home
from deploy.embedded.settings import StackSettings

WRITERS = tuple(dict.fromkeys(topic.writer for topic in OWNED.values()))
READERS = (*WRITERS, "delivery")


def recover_kafka(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Publish all topics again from the event tables to a Kafka that has lost its data; then start everything.

    For the stack on this machine. Intake records that were not consumed, and dead letters, are lost with the old Kafka.
    Elsewhere, with all services stopped: `python -m services.<name> republish <topic>` for each topic, then `python -m
    services.<name> adopt-cluster` for each service.
    """
    home = Home.at(StackSettings().home)
    if home.is_locked():
        fail(f"Penchant is running on {home.path}: stop it with `penchant down` first.")
    if not home.holds_events():
        fail(f"{home.path} holds no data to write to Kafka.")
    if not yes and not typer.confirm(f"Publish all topics of {home.path} to its Kafka again?"):
        fail("Nothing was changed.")
    stack.start(StackSettings(), say, before_services=_republish_all)
    say(f"Recovered. Penchant is running; its data is in {home.path}. `penchant down` stops it.")


def _republish_all(environments: dict[str, dict[str, str]]) -> None:
    topics = {writer: [topic.name for topic in OWNED.values() if topic.writer == writer] for writer in WRITERS}
    for writer, names in topics.items():
        _run_service(writer, environments, "republish", *names)
    for reader in READERS:
        _run_service(reader, environments, "adopt-cluster")


def _run_service(name: str, environments: dict[str, dict[str, str]], *arguments: str) -> None:
    command = (sys.executable, "-m", f"services.{name}", *arguments)
    code = subprocess.run(command, env=os.environ | environments[name], check=False).returncode
    if code:
        fail(
            f"{name} {' '.join(arguments)} failed. Run this command again: publishing an event twice does no harm.",
            code,
        )
