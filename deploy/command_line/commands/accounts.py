"""account: customers of this installation."""

from typing import Annotated
from uuid import uuid4

import typer

from deploy.command_line.client import Client, Json
from deploy.command_line.settings import CommandLineSettings
from deploy.command_line.terminal import AsJson, fail, run, say, write_json

app = typer.Typer(no_args_is_help=True, help="Accounts, for the operator.")


@app.callback()
def accounts() -> None:
    """Accounts, for the operator."""


async def create_account(settings: CommandLineSettings, name: str, time_zone: str) -> Json:
    """A new account and its first key: `{account_id, api_key}`. Needs the operator's key."""
    if settings.operator_key is None:
        fail("Only the operator creates accounts: set PENCHANT_OPERATOR_KEY as labeling has it.")
    async with Client(settings, settings.operator_key.get_secret_value()) as client:
        created: Json = await client.post(
            "labeling",
            "/v1/accounts",
            {"name": name, "time_zone": time_zone},
            headers={"Idempotency-Key": str(uuid4())},
        )
        return created


@app.command()
def create(
    name: str,
    time_zone: Annotated[str, typer.Option(help="Its days are days of this zone.")] = "UTC",
    as_json: AsJson = False,
) -> None:
    """Create an account. Its admin key is shown once, now."""

    async def command() -> None:
        created = await create_account(CommandLineSettings.read(), name, time_zone)
        if as_json:
            write_json(created)
        else:
            say(f"Account {created['account_id']}: {name}")
            say(f"Its admin key, shown this once: {created['api_key']}")
            say(f"To use it here: export PENCHANT_API_KEY={created['api_key']}")

    run(command())
