"""The commands of docs/reference/workflows.md, as a reader would type them."""

import re
from typing import Any

from tests.docs.conftest import Shop, until
from tests.docs.pages import blocks, run_blocks


def test_the_example_workflow_has_the_described_results(evening_shop: Shop) -> None:
    made, written, asked, tried, shown, behind, failed, corrected = blocks("reference/workflows.md")
    output = run_blocks(
        evening_shop, made, written, asked, tried, 'echo "workflow=$workflow"', shown, behind, failed, corrected
    )
    assert output.endswith("finished\n")
    assert "'runs_at_once': 1, 'messages_at_once': 1" in output
    workflow = re.findall(r"workflow=([0-9a-f-]{36})", output)[0]

    def run() -> Any:
        items = evening_shop.call("workflow", "GET", f"/v1/workflows/{workflow}/runs")["items"]
        return items[0] if items else None

    found = until(run)
    assert (found["state"], found["waiting"]["step_id"]) == ("running", "office")
    steps = evening_shop.call("workflow", "GET", f"/v1/workflows/{workflow}/steps")["items"]
    assert [step["id"] for step in steps][:4] == ["office", "guide", "half", "bought"]
