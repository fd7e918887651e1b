"""The command `republish`: publishes topics again from the event table."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from deploy.command_line.terminal import fail, say
from deploy.embedded.home import Home
from deploy.embedded.secrets import Secrets
from deploy.embedded.stack_file import StackFile
from deploy.embedded.supervisor import Supervisor
from shared.events.topics import TOPICS
from shared.settings import CommonSettings

OWNED = {topic.name: topic for topic in TOPICS.values() if topic.kind in ("contact", "catalog")}


def republish(
    what: Annotated[str, typer.Argument(metavar="TOPIC|SERVICE", help="One topic, or all that a service writes.")],
) -> None:
    """Publish topics again from the event table: the same ids and sequences, so consumers skip what they applied.

    For a Kafka that has lost records; `recover-kafka` is for one that has lost everything. The service that writes the
    topics must not run meanwhile: the embedded stack stops it and starts it again; elsewhere you must do that yourself.
    """
    topics = [topic for topic in OWNED.values() if what in (topic.name, topic.writer)]
    if not topics:
        raise typer.BadParameter(
            f"{what!r} is neither a service nor one of {', '.join(OWNED)}", param_hint="TOPIC|SERVICE"
        )
    with _stopped(topics[0].writer) as environment:
        names = [topic.name for topic in topics]
        command = (sys.executable, "-m", f"services.{topics[0].writer}", "republish", *names)
        code = subprocess.run(command, env=os.environ | environment, check=False).returncode
    if code:
        fail(f"{', '.join(names)}: not all events were published again; repeating the command does no harm.", code)


@contextmanager
def _stopped(service: str) -> Iterator[dict[str, str]]:
    """Stop the service of the embedded stack, if one runs, during the block; yield the service's settings."""
    home = Home.at(CommonSettings().home)
    supervisor = Supervisor(home)
    running = StackFile.read(home)
    if running is None or supervisor.condition() != "working":
        yield {}
        return
    say(f"Stopping {service}.")
    supervisor.stop_service(service)
    try:
        yield {
            "PENCHANT_KAFKA": running.kafka,
            "PENCHANT_PARTITIONS": str(running.partitions),
            "PENCHANT_TRACKING_KEYS": Secrets.kept(home).tracking_keys,
            f"PENCHANT_{service.upper()}_DATABASE": running.databases[service],
        }
    finally:
        supervisor.start_service(service)
        say(f"Starting {service} again.")
