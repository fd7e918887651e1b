"""`python -m tests.bench [NAME …]` measures, prints a table, and writes .bench/results.json."""

import gc
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from time import monotonic

import orjson
import uvloop
from rich.console import Console
from rich.table import Table

from shared.runtime.run import COLLECT_AFTER
from tests.bench.figure import Figure
from tests.bench.place import make_place

MODULES = (
    "runtime_cost",
    "labeling",
    "contacts_in_bulk",
    "contacts_large",
    "imports_relayed",
    "preference_page",
    "tracking",
    "redirect",
    "latency",
    "commits",
    "timers",
    "neighbours",
    "memory",
    "catalogs",
    "segmentation",
    "segmentation_live",
    "segmentation_large",
    "workflow",
    "workflow_bulk",
    "campaigns",
    "campaign_launch",
    "console",
)
RESULTS = Path(__file__).parents[2] / ".bench" / "results.json"


async def measure(names: Sequence[str], console: Console) -> list[Figure]:
    """Run the named modules; return their figures."""
    rows: list[Figure] = []
    with make_place() as place:
        for name in names:
            started = monotonic()
            console.print(f"[dim]{name} …[/dim]")
            rows += await import_module(f"tests.bench.{name}").run(place)
            write(rows)
            console.print(f"[dim]{name}: {monotonic() - started:.0f} s[/dim]")
    return rows


def write(rows: Sequence[Figure]) -> None:
    """Write the results after each module, so that a failing module does not lose the results before it."""
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_bytes(orjson.dumps([row.as_json() for row in rows], option=orjson.OPT_INDENT_2) + b"\n")


def table_of(rows: Sequence[Figure]) -> Table:
    """Return the rows as a table for people."""
    table = Table(title="Measured on this machine, each figure with its baseline in the same run")
    for heading in ("what", "value", "unit", "goal", "baseline", "ratio", ""):
        table.add_column(heading, justify="left" if heading in ("what", "unit", "") else "right")
    for row in rows:
        sign = "≤ " if row.better == "lower" else ""
        table.add_row(
            row.name,
            _formatted(row.value),
            row.unit,
            "" if row.goal is None else sign + _formatted(row.goal),
            "" if row.baseline is None else f"{_formatted(row.baseline)} ({row.baseline_of})",
            "" if row.ratio is None else f"{row.ratio:.2f}" + (f" (≥ {row.goal_ratio:.2f})" if row.goal_ratio else ""),
            {True: "[green]reached", False: "[red]missed", None: ""}[row.reached],
        )
    return table


def _formatted(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def main() -> None:
    """Run the named modules, or all."""
    names = sys.argv[1:] or MODULES
    if unknown := sorted({*names} - {*MODULES}):
        sys.exit(f"No such measurement: {', '.join(unknown)}. There are: {', '.join(MODULES)}")
    console = Console(width=160)
    gc.set_threshold(*COLLECT_AFTER)  # as in every service, because some measurements run in this process
    # On SIGTERM, started processes and servers must be ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    rows = uvloop.run(measure(names, console))
    console.print(table_of(rows))
    console.print(f"[dim]{RESULTS}[/dim]")


main()
