"""The command `import`: contacts from a file."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.prompt import Confirm, Prompt
from rich.table import Table

from deploy.command_line.client import Client, Json
from deploy.command_line.settings import CommandLineSettings
from deploy.command_line.terminal import FAILED, AsJson, err, fail, out, run, say, write_json

KNOWN_TARGETS = ("email", "external_id", "labels", "subscription", "language")
FIELD_TYPES = ("text", "number", "date", "boolean")
POLL_SECONDS = 0.3

Subscription = Literal["subscribed", "unconfirmed"]
UnknownLabels = Literal["error", "create", "ignore"]
Mode = Literal["create_and_update", "create", "update"]


def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV, XLSX or NDJSON.")],
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=TARGET",
            help="COLUMN is a header or a number from 1. TARGET is email, external_id, labels, subscription, language, "
            "a field's key, new:KEY[:TYPE] for a new field, or nothing to skip the column. Repeatable.",
        ),
    ] = None,
    subscription: Annotated[
        Subscription | None, typer.Option(help="Subscription of new contacts; required if there are any.")
    ] = None,
    basis: Annotated[str | None, typer.Option(help="Why you may write to new contacts; kept with the import.")] = None,
    unknown_labels: Annotated[UnknownLabels | None, typer.Option(help="How to handle unknown label names.")] = None,
    mode: Annotated[Mode | None, typer.Option(help="Which contacts are written.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Start without asking, although rows may be refused.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import contacts: show how the file is read, check every row, and start after a question.

    Without a terminal, and with --json, nothing is asked: the import starts with --yes only. Refused rows are written
    to FILE.errors.csv; correct them there and import that file.
    """
    interactive = not as_json and not yes and sys.stdin.isatty() and sys.stdout.isatty()
    options = {
        "subscription": None if subscription is None else {"set": subscription, "basis": basis},
        "unknown_labels": unknown_labels,
        "mode": mode,
    }

    async def command() -> None:
        async with Client(CommandLineSettings.read()) as client:
            job = await client.post_file("labeling", "/v1/imports", file, filename=file.name)
            columns = mapping_of(map_ or [], job["columns"])
            if not as_json:
                _show_columns(job, columns)
            chosen = {name: value for name, value in options.items() if value is not None}
            if interactive and subscription is None:
                chosen["subscription"] = _ask_subscription()
            path = f"/v1/imports/{job['id']}"
            body = {"columns": columns, "options": chosen}
            job = await _wait_for_state(
                client, await client.put("labeling", path, body), path, "checked", hidden=as_json
            )
            if not as_json:
                _show_check(job["summary"])
            start = yes or (interactive and Confirm.ask("Import these rows?", default=not job["summary"]["errors"]))
            if start:
                await client.post("labeling", f"{path}/start")
                job = await _wait_for_state(client, job, path, "done", hidden=as_json)
            await _print_result(client, job, path, file, as_json=as_json)

    run(command())


def mapping_of(options: list[str], columns: list[Json]) -> list[Json]:
    """Return the columns that the options map, by header or by number. Ends the command for a wrong option."""
    mapped = []
    for option in options:
        name, equals, target = option.rpartition("=")
        column = _column(name.strip(), columns)
        if not equals or column is None:
            fail(f"--map {option}: the file has no column {name!r}", 2)
        mapped.append({"index": column["index"], "maps_to": _target(target.strip(), option)})
    return mapped


def _column(name: str, columns: list[Json]) -> Json | None:
    for column in columns:
        if (column["header"] or "").casefold() == name.casefold():
            return column
    return columns[int(name) - 1] if name.isdecimal() and 1 <= int(name) <= len(columns) else None


def _target(target: str, option: str) -> object:
    if not target:
        return None
    if target in KNOWN_TARGETS:
        return target
    if not target.startswith("new:"):
        return {"field": target}
    key, _, kind = target.removeprefix("new:").partition(":")
    if (kind or "text") not in FIELD_TYPES:
        fail(f"--map {option}: a type is one of {', '.join(FIELD_TYPES)}", 2)
    return {"new_field": {"key": key, "name": key.replace("_", " ").capitalize(), "type": kind or "text"}}


def _ask_subscription() -> Json:
    say("New contacts need a subscription: mails go only to `subscribed` ones.")
    chosen = Prompt.ask("Subscription of new contacts", choices=["subscribed", "unconfirmed"], default="unconfirmed")
    basis = Prompt.ask("The legal basis for writing to them (stored with the import)", default="")
    return {"set": chosen, "basis": basis or None}


async def _wait_for_state(client: Client, job: Json, path: str, state: str, *, hidden: bool) -> Json:
    """Wait until the import has a state, with a progress bar; end the command if it failed."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} rows"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=hidden, transient=True) as progress:
        task = progress.add_task("Checking" if state == "checked" else "Importing", total=None)
        while job["state"] != state:
            if job["state"] in ("failed", "cancelled"):
                fail(f"The import is {job['state']}: {job['failure'] or 'it was cancelled'}")
            done = job["progress"] or {"done": 0, "total": None}
            progress.update(task, completed=done["done"], total=done["total"])
            await asyncio.sleep(POLL_SECONDS)
            job = await client.get("labeling", path)
    return job


def _show_columns(job: Json, mapped: list[Json]) -> None:
    targets = {column["index"]: column["maps_to"] for column in mapped}
    file_format = job["format"]
    details = [
        file_format["kind"],
        file_format["encoding"],
        {"\t": "tab"}.get(file_format["delimiter"], file_format["delimiter"]),
    ]
    say(f"{job['filename']}: {', '.join(detail for detail in details if detail)}")
    table = Table("", "Column", "Becomes", "For example")
    for column in job["columns"]:
        target = targets.get(column["index"], column["maps_to"])
        table.add_row(
            str(column["index"] + 1), column["header"] or "", _describe(target), ", ".join(column["samples"][:3])
        )
    out.print(table)


def _describe(target: object) -> str:
    if target is None:
        return "(skipped)"
    if isinstance(target, str):
        return target
    assert isinstance(target, dict)
    if "field" in target:
        return f"field {target['field']}"
    return f"new field {target['new_field']['key']} ({target['new_field']['type']})"


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _show_check(summary: Json) -> None:
    table = Table("Rows", "")
    for name, text in (
        ("create", "new contacts"),
        ("update", "contacts that change"),
        ("unchanged", "contacts that do not change"),
        ("skipped", "skipped by the mode"),
        ("duplicates", "repeat a contact of an earlier row, and are merged with it"),
        ("suppressed", "suppressed addresses"),
        ("errors", "refused"),
    ):
        if summary.get(name) or name in ("create", "update", "errors"):
            table.add_row(f"{summary[name]:,}", text)
    out.print(table)
    for reason in summary["reasons"]:
        example = reason["examples"][0]
        say(f"  refused, {_rows(reason['rows'])}: {example['detail']} (row {example['row']})")
    for label in summary["unknown_labels"][:10]:
        nearest = ", ".join(one["name"] for one in label["nearest"])
        say(
            f"  unknown label {label['name']!r}, {_rows(label['rows'])}"
            + (f"; did you mean {nearest}?" if nearest else "")
        )
    for overwrite in summary["overwrites"]:
        say(f"  replaces an existing value: {overwrite['member']}, {_rows(overwrite['rows'])}")


async def _print_result(client: Client, job: Json, path: str, file: Path, *, as_json: bool) -> None:
    result = job["result"] or {}
    refused = result.get("errors", job["summary"]["errors"])
    errors = file.with_name(f"{file.name}.errors.csv")
    if refused:
        await client.download("labeling", f"{path}/errors.csv", errors)
    if as_json:
        write_json({**job, "errors_file": str(errors) if refused else None})
    elif job["state"] == "done":
        say(f"Created {result['created']:,}, updated {result['updated']:,}, unchanged {result['unchanged']:,}.")
    else:
        say(f"Nothing was imported. The import is kept for 7 days: {job['id']}")
    if refused:
        fail(f"Refused {_rows(refused)}; see {errors}, with the reason of each.", FAILED)
