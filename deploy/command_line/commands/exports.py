"""The command `export`: contacts as a file."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from deploy.command_line.client import Client, Json
from deploy.command_line.labels import folded
from deploy.command_line.settings import CommandLineSettings
from deploy.command_line.terminal import AsJson, err, fail, run, say, write_json

POLL_SECONDS = 0.3
FORMAT_OF_EXTENSION = {".csv": "csv", ".xlsx": "xlsx", ".ndjson": "ndjson", ".jsonl": "ndjson"}
FormatName = Literal["csv", "csv_excel", "xlsx", "ndjson"]


def export(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write; its extension selects the format.")],
    label: Annotated[str | None, typer.Option(help="Only contacts that hold this label, by name or id.")] = None,
    segment: Annotated[str | None, typer.Option(metavar="ID", help="Only the members of this segment.")] = None,
    of_import: Annotated[
        str | None, typer.Option("--import", metavar="ID", help="Only contacts that this import touched.")
    ] = None,
    format_: Annotated[
        FormatName | None, typer.Option("--format", help="The format, if it is not that of the extension.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="A column: email, a field's key, interesselabels, clicks:ID. Repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write contacts into a file: all of them, or those of a label, a segment or an import."""
    format_name = format_ or FORMAT_OF_EXTENSION.get(file.suffix.lower())
    if format_name is None:
        fail(f"{file}: choose the format by the extension ({', '.join(FORMAT_OF_EXTENSION)}) or by --format", 2)
    if sum(source is not None for source in (label, segment, of_import)) > 1:
        fail("Use at most one of --label, --segment and --import.", 2)

    async def command() -> None:
        async with Client(CommandLineSettings.read()) as client:
            source: Json = {"all": True}
            if label is not None:
                source = {"label": await _label_id(client, label)}
            elif segment is not None:
                source = {"segment": segment}
            elif of_import is not None:
                source = {"import": of_import}
            body = {"of": source, "format": format_name, "columns": column or None}
            job = await _wait_until_finished(client, await client.post("labeling", "/v1/exports", body), hidden=as_json)
            size = await client.download("labeling", job["file"], file)
            if as_json:
                write_json({**job, "written_to": str(file)})
            else:
                say(f"{job['rows']:,} contacts, {size:,} bytes: {file}")

    run(command())


async def _label_id(client: Client, text: str) -> str:
    ids = {}
    async for label in client.items("labeling", "/v1/labels"):
        ids.update(dict.fromkeys(map(folded, [label["name"], *label.get("aliases", ())]), label["id"]))
        ids[label["id"]] = label["id"]
    if folded(text) not in ids:
        fail(f"The account has no label {text!r}.")
    return str(ids[folded(text)])


async def _wait_until_finished(client: Client, job: Json, *, hidden: bool) -> Json:
    columns = (TextColumn("Exporting"), BarColumn(), TextColumn("{task.completed:,} contacts"), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=hidden, transient=True) as progress:
        task = progress.add_task("", total=None)
        while job["state"] in ("queued", "running"):
            progress.update(task, completed=job["progress"]["done"], total=job["progress"]["total"])
            await asyncio.sleep(POLL_SECONDS)
            job = await client.get("labeling", f"/v1/exports/{job['id']}")
    if job["state"] != "done":
        fail(f"The export is {job['state']}: {job['failure'] or 'it was cancelled'}")
    return job
