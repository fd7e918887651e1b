"""Generates pages of docs/reference from the code: the command line, and the metrics."""

from importlib import import_module

import typer
from prometheus_client.core import Metric
from typer.cli import get_docs_for_click

from deploy.command_line.app import app
from shared.metrics import REGISTRY

METRIC_PREFIX = "penchant_"
METRIC_MODULES = (  # they register metrics when they are imported
    "services.delivery.use_cases.metrics",
    "services.labeling.metrics",
    "services.tracking.redirect.answers",
    "services.tracking.use_cases.click_recording",
    "services.workflow.use_cases.metrics",
)
METRICS_HEAD = """\
# Metrics

Every process serves its metrics at `/metrics`, for Prometheus. They never contain ids of accounts or contacts. Metrics
of Python and of the process (`python_…`, `process_…`) are there too.

| metric | type | meaning |
|---|---|---|
"""


def command_line_text() -> str:
    """Return the page on the command line: every command with its options, as in `--help`."""
    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="penchant")
    return text.replace("# `penchant`\n", "# The command line\n", 1).rstrip() + "\n"


def metrics_text() -> str:
    """Return the page on metrics: the name under which each is scraped, its type and its meaning."""
    for module in METRIC_MODULES:
        import_module(module)
    families = sorted(
        (one for one in REGISTRY.collect() if one.name.startswith(METRIC_PREFIX)), key=lambda one: one.name
    )
    return METRICS_HEAD + "".join(
        f"| `{_scraped_name(one)}` | {one.type} | {one.documentation} |\n" for one in families
    )


def _scraped_name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name
