"""The commands `key`: the API keys of an account."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Column, Table

from deploy.command_line.client import Client
from deploy.command_line.readable import plain
from deploy.command_line.settings import CommandLineSettings
from deploy.command_line.terminal import AsJson, out, run, say, write_json

app = typer.Typer(no_args_is_help=True, help="API keys of the account.")


class Scope(StrEnum):
    """The scope of a key; `self` acts on behalf of contacts."""

    READ = "read"
    WRITE = "write"
    SELF = "self"
    ADMIN = "admin"


@app.command()
def create(
    name: str,
    scope: Annotated[list[Scope] | None, typer.Option(help="May be repeated; read and write if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a key. It is shown only once."""

    async def command() -> None:
        async with Client(CommandLineSettings.read()) as client:
            scopes = list(dict.fromkeys(str(one) for one in scope or (Scope.READ, Scope.WRITE)))
            created = await client.post("labeling", "/v1/keys", {"name": name, "scopes": scopes})
        if as_json:
            write_json(created)
        else:
            say(f"{name} ({', '.join(scopes)}), id {created['id']}; shown only once:")
            say(str(created["key"]))

    run(command())


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys. The keys themselves are not stored."""

    async def command() -> None:
        table = Table(Column("id", no_wrap=True), "name", "scopes", "created", "revoked")
        async with Client(CommandLineSettings.read()) as client:
            async for key in client.items("labeling", "/v1/keys"):
                if as_json:
                    write_json(key)
                else:
                    dates = [_date(key.get(name)) for name in ("created_at", "revoked_at")]
                    table.add_row(key["id"], plain(key["name"]), ", ".join(key["scopes"]), *dates)
        if not as_json:
            out.print(table)

    run(command())


@app.command()
def revoke(key_id: str) -> None:
    """Revoke a key, by its id; it stops working everywhere within a second."""

    async def command() -> None:
        async with Client(CommandLineSettings.read()) as client:
            await client.delete("labeling", f"/v1/keys/{key_id}")
        say("Revoked.")

    run(command())


def _date(instant: str | None) -> str:
    return "" if instant is None else instant[:10]
