"""The commands of the first tutorials, README.md and docs/reference/segments.md, as a reader would type them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.docs.conftest import Shop, until
from tests.docs.pages import shell_blocks
from tests.docs.session import Session, json_objects


@pytest.fixture
def session(shop: Shop) -> Iterator[Session]:
    session = Session(shop.environment, shop.folder)
    yield session
    session.close()


def pieces(block: str) -> list[str]:
    """Return the pieces of a block between its pauses; the test waits for the result itself instead of pausing."""
    return re.split(r"^sleep \d+\n", block, flags=re.MULTILINE)


def test_the_first_tutorials_have_the_described_results(shop: Shop, session: Session) -> None:
    (label,) = shell_blocks("docs/tutorials/first-label.md")
    (segment,) = shell_blocks("docs/tutorials/first-segment.md")
    (workflow,) = shell_blocks("docs/tutorials/first-workflow.md")

    clicked, shown = pieces(label)
    session.run(clicked)
    until(lambda: "Dogs" in _labels(shop, "an"))
    (held,) = json_objects(session.run(shown))[-1]["items"]
    assert (held["label_name"], held["held"], held["supports"]) == ("Dogs", True, [{"kind": "click", "clicks": 1}])

    made, counted = pieces(segment)
    session.run(made)
    path = f"/v1/segments/{session.value('segment')}"
    until(lambda: shop.call("segmentation", "GET", path)["count"] == 1)
    assert json_objects(session.run(counted))[-1]["count"] == 1

    started, sent, explained = pieces(workflow)
    session.run(started)
    runs = f"/v1/workflows/{session.value('workflow')}/runs"
    until(lambda: shop.call("workflow", "GET", runs)["items"])
    session.run(sent)
    until(lambda: "Nurtured" in _labels(shop, "bo"))
    detail = json_objects(session.run(explained))[-1]
    assert [step["kind"] for step in detail["steps"]] == ["send", "wait_for", "assign_label"]


def test_the_example_of_the_readme_creates_a_label(shop: Shop, session: Session) -> None:
    (example,) = shell_blocks("README.md")
    assert json_objects(session.run(example))[-1]["name"] == "Dogs"


def test_the_example_segment_is_counted_explained_and_followed(shop: Shop, session: Session) -> None:
    story, explained, listed = shell_blocks("docs/reference/segments.md")
    session.run(story)
    path = f"/v1/segments/{session.value('segment')}"
    until(lambda: shop.call("segmentation", "GET", path)["count"] == 1)
    session.run("kill %1; wait %1 || true")
    counted, explanation = json_objects(session.run(explained))
    assert counted["count"] == 1
    assert explanation["truth"]
    entered = until(lambda: json_objects(session.run(listed))[-1]["items"])
    assert [change["type"] for change in entered] == ["SegmentEntered"]


def _labels(shop: Shop, external_id: str) -> set[str]:
    items: list[dict[str, Any]] = shop.call("labeling", "GET", f"/v1/contacts/external:{external_id}/labels")["items"]
    return {item["label_name"] for item in items if item["held"]}
