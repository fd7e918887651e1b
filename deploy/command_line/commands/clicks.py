"""The commands `clicks`: old clicks of other systems."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from deploy.command_line.click_checks import RowChecks
from deploy.command_line.click_outcome import BATCH, AcceptedRow, RefusedRow, ReplayOutcome, settle_if_possible
from deploy.command_line.click_rows import COLUMNS, ClickFileRow, UnusableFile, rows_of
from deploy.command_line.client import ApiProblem, Client, Json
from deploy.command_line.settings import CommandLineSettings
from deploy.command_line.terminal import FAILED, INTERRUPTED, AsJson, err, fail, run, say, write_json

SHOWN_ROWS = 20

app = typer.Typer(no_args_is_help=True, help="Clicks from other systems.")


@app.callback()
def clicks() -> None:
    """Clicks from other systems."""


@app.command(
    help="Report the clicks of FILE: NDJSON of reports, or CSV with a header line of "
    f"{', '.join(COLUMNS)}. You can stop the command and run it again; nothing is counted twice."
)
def replay(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    time_zone: Annotated[
        str | None, typer.Option(help="The time zone of times without an offset; without it such times are refused.")
    ] = None,
    history: Annotated[
        bool,
        typer.Option("--history/--live", help="History is counted and assigns labels, but starts no workflow."),
    ] = True,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until the outcome of the clicks is known.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    zone = _zone(time_zone)
    outcome = ReplayOutcome()

    async def command() -> None:
        with _progress(hidden=as_json) as progress:
            task = progress.add_task(file.name, total=file.stat().st_size, clicks=0)

            def advance() -> None:
                progress.update(task, completed=outcome.read, clicks=len(outcome.accepted))

            async with Client(CommandLineSettings.read()) as client:
                await send_all(client, rows_of(file, zone, history=history), outcome, advance)
                if wait:
                    progress.update(task, description="waiting for the clicks to be recorded")
                    await settle_if_possible(client, outcome)

    try:
        run(command())
    except UnusableFile as problem:
        fail(f"{file}: {problem}")
    except typer.Exit as end:
        # Also print the outcome if the command was interrupted.
        _print_outcome(outcome, as_json=as_json, stopped=True)
        if end.exit_code == INTERRUPTED:
            err.print("Run it again to continue; nothing is counted twice.")
        raise
    _print_outcome(outcome, as_json=as_json, stopped=False)
    if outcome.refused or outcome.lost:
        raise typer.Exit(FAILED)


async def send_all(
    client: Client, rows: Iterator[ClickFileRow], outcome: ReplayOutcome, advance: Callable[[], None] = lambda: None
) -> None:
    """Send rows in batches, and update `outcome` after each."""
    batch: list[ClickFileRow] = []
    checks = RowChecks(client)
    for read in rows:
        row = await checks.check(read)
        if row.report is None:
            outcome.rows += 1
            outcome.refused.append(RefusedRow(row.number, "", row.problem or ""))
        else:
            batch.append(row)
        if len(batch) == BATCH:
            await _send(client, batch, outcome)
            advance()
            batch = []
    if batch:
        await _send(client, batch, outcome)
    advance()


async def _send(client: Client, batch: list[ClickFileRow], outcome: ReplayOutcome) -> None:
    try:
        answer = await client.post("tracking", "/v1/clicks", [row.report for row in batch])
        errors = answer["errors"]
    except ApiProblem as problem:
        if problem.status == 413 and len(batch) > 1:
            middle = len(batch) // 2
            await _send(client, batch[:middle], outcome)
            await _send(client, batch[middle:], outcome)
            return
        errors = problem.errors
        if problem.status not in (413, 422) or not all(_row_number(error) is not None for error in errors):
            raise
        if problem.status == 413:
            errors = [{"index": 0, "pointer": "", "detail": "is too large"}]
    refused = {_row_number(error) for error in errors}
    outcome.accepted += [
        AcceptedRow(row.number, str(row.report["id"]))
        for index, row in enumerate(batch)
        if row.report is not None and index not in refused
    ]
    outcome.rows += len(batch)
    outcome.read = batch[-1].read
    for error in errors:
        index = _row_number(error)
        if index is not None:
            pointer = str(error.get("pointer") or "").removeprefix(f"/{index}")
            outcome.refused.append(RefusedRow(batch[index].number, pointer, str(error.get("detail", ""))))


def _row_number(error: Json) -> int | None:
    if isinstance(error.get("index"), int):
        return int(error["index"])
    first = str(error.get("pointer") or "").removeprefix("/").split("/")[0]
    return int(first) if first.isdecimal() else None


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise typer.BadParameter(f"{name!r} is not a time zone", param_hint="--time-zone") from None


def _progress(*, hidden: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[clicks]:,} clicks"),
        TimeRemainingColumn(),
        console=err,
        disable=hidden,
    )


def _print_outcome(outcome: ReplayOutcome, *, as_json: bool, stopped: bool) -> None:
    if as_json:
        write_json({**outcome.as_object(), "finished": not stopped})
        return
    for refused in sorted(outcome.refused)[:SHOWN_ROWS]:
        say(f"line {refused.row}: {refused.pointer + ': ' if refused.pointer else ''}{refused.detail}")
    if len(outcome.refused) > SHOWN_ROWS:
        say(f"… and {len(outcome.refused) - SHOWN_ROWS} more; --json lists all.")
    rows_refused = len({refused.row for refused in outcome.refused})
    say(f"{len(outcome.accepted):,} of {outcome.rows:,} rows accepted, {rows_refused:,} refused.")
    if outcome.recorded is None:
        return
    say(f"{outcome.recorded:,} clicks are recorded.")
    if outcome.waiting:
        say(
            f"{len(outcome.waiting):,} wait for an unknown contact or message; after 10 minutes they become dead "
            f"letters. Lines: {_lines(outcome.waiting)}"
        )
    if outcome.lost:
        say(
            f"{len(outcome.lost):,} are not recorded: dead letters (penchant dead-letters list), test sends, or "
            f"contacts who refuse tracking. Lines: {_lines(outcome.lost)}"
        )


def _lines(rows: list[int]) -> str:
    shown = ", ".join(str(row) for row in sorted(rows)[:SHOWN_ROWS])
    return f"{shown}, …" if len(rows) > SHOWN_ROWS else shown
