"""The Grafana dashboard shows metrics that the services expose."""

import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
DASHBOARD = json.loads((MONITORING / "grafana" / "dashboards" / "penchant.json").read_text())
METRIC = re.compile(r"\bpenchant_\w+")
SERIES = re.compile(r"_(?:count|sum|bucket)$")  # the series that Prometheus derives from a histogram


def test_every_metric_of_the_dashboard_is_in_the_reference() -> None:
    known = set(METRIC.findall((ROOT / "docs" / "reference" / "metrics.md").read_text()))
    shown = {
        name for panel in DASHBOARD["panels"] for target in panel["targets"] for name in METRIC.findall(target["expr"])
    }
    assert shown
    assert {SERIES.sub("", name) for name in shown} <= known


def test_the_panels_use_the_provisioned_data_source() -> None:
    provisioned = yaml.safe_load(
        (MONITORING / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text()
    )
    uids = {source["uid"] for source in provisioned["datasources"]}
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == uids
