"""The commands `kafka`, for operators of their own cluster."""

from collections.abc import Iterator
from typing import Annotated

import typer

from deploy.command_line.terminal import AsJson, say, write_json
from shared.events.access import Grant, grants

app = typer.Typer(no_args_is_help=True, help="For the operator of a Kafka cluster.")


@app.callback()
def kafka() -> None:
    """For the operator of a Kafka cluster."""


@app.command()
def acls(
    bootstrap: Annotated[str, typer.Option(help="Bootstrap servers for the printed commands.")] = ("localhost:9092"),
    user_prefix: Annotated[str, typer.Option(help="Prefix of the names of the services' users.")] = "penchant-",
    topic_prefix: Annotated[str, typer.Option(help="The services' PENCHANT_TOPIC_PREFIX.")] = "",
    as_json: AsJson = False,
) -> None:
    """Print the access rules: a `kafka-acls.sh` command for each, or JSON.

    Nothing is changed. Each service has a user of its own. docs/security.md explains what this protects.
    """
    for grant in grants(topic_prefix):
        if as_json:
            write_json({"principal": f"User:{user_prefix}{grant.service}", **_rule(grant)})
        else:
            say(" ".join(_command(grant, bootstrap, user_prefix)))


def _rule(grant: Grant) -> dict[str, object]:
    return {
        "resource": grant.resource,
        "name": grant.name,
        "pattern": "prefixed" if grant.prefixed else "literal",
        "operations": grant.operations,
    }


def _command(grant: Grant, bootstrap: str, user_prefix: str) -> Iterator[str]:
    yield f"kafka-acls.sh --bootstrap-server {bootstrap} --add --allow-principal User:{user_prefix}{grant.service}"
    for operation in grant.operations:
        yield f"--operation {operation}"
    yield f"--{grant.resource} {grant.name}"
    if grant.prefixed:
        yield "--resource-pattern-type prefixed"
