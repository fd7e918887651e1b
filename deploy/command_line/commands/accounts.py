"""The commands `account`: the accounts of this installation."""

from typing import Annotated
from uuid import uuid4

import typer
from rich.table import Table

from deploy.command_line.client import Client, Json
from deploy.command_line.readable import plain
from deploy.command_line.settings import CommandLineSettings
from deploy.command_line.terminal import AsJson, fail, out, run, say, write_json

app = typer.Typer(no_args_is_help=True, help="Accounts, for the operator.")


@app.callback()
def accounts() -> None:
    """Accounts, for the operator."""


def _operator_client(settings: CommandLineSettings) -> Client:
    if settings.operator_key is None:
        fail("Only the operator manages accounts: set PENCHANT_OPERATOR_KEY to labeling's operator key.")
    return Client(settings, settings.operator_key.get_secret_value())


async def create_account(settings: CommandLineSettings, name: str, time_zone: str) -> Json:
    """Create an account and its first key: `{account_id, api_key}`. Needs the operator's key."""
    async with _operator_client(settings) as client:
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
    time_zone: Annotated[str, typer.Option(help="The time zone of the account's days.")] = "UTC",
    as_json: AsJson = False,
) -> None:
    """Create an account. Its admin key is shown only once."""

    async def command() -> None:
        created = await create_account(CommandLineSettings.read(), name, time_zone)
        if as_json:
            write_json(created)
        else:
            say(f"Account {created['account_id']}: {name}")
            say(f"Its admin key, shown only once: {created['api_key']}")
            say(f"To use it here: export PENCHANT_API_KEY={created['api_key']}")

    run(command())


@app.command("list")
def list_accounts(
    everything: Annotated[bool, typer.Option("--all", help="Include deleted accounts.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the accounts of this installation."""

    async def command() -> None:
        async with _operator_client(CommandLineSettings.read()) as client:
            found = [account async for account in client.items("labeling", "/v1/accounts")]
        shown = [account for account in found if everything or account["state"] != "deleted"]
        if as_json:
            for account in shown:
                write_json(account)
            return
        table = Table("account", "name", "time zone", "created", "state")
        for account in shown:
            cells = (account["account_id"], account["name"], account["time_zone"], account["created_at"][:10],
                     account["state"])  # fmt: skip
            table.add_row(*(plain(str(cell)) for cell in cells))
        out.print(table)

    run(command())


@app.command()
def delete(
    account_id: Annotated[int, typer.Argument(min=1, help="The id, as shown by `penchant account list`.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete an account: its keys stop working at once, its contacts are erased in the background."""

    async def command() -> None:
        async with _operator_client(CommandLineSettings.read()) as client:
            accounts = {account["account_id"]: account async for account in client.items("labeling", "/v1/accounts")}
            account = accounts.get(account_id)
            if account is None or account["state"] == "deleted":
                fail(f"There is no account {account_id}.")
            if not yes:
                typer.confirm(f"Delete account {account_id}, {account['name']}, with all its contacts?", abort=True)
            await client.delete("labeling", f"/v1/accounts/{account_id}")
        say(f"Account {account_id} is deleted; its contacts are being erased.")

    run(command())
