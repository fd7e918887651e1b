"""The JSON schemas of events are current and stay compatible with their releases."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from shared.events.codec import body_of
from shared.events.documents import BrokenPromise, write_schemas
from shared.events.json_schema import FOLDER, differences, is_published, orphans, schema_of, type_of
from shared.events.registry import EVENTS
from tests.shared.events.examples import CLICK_REPORT, ENGAGEMENT_REPORT, click


def test_no_released_schema_has_changed_incompatibly() -> None:
    broken = [f"{path.name} {problem}" for path, _, problems in differences() for problem in problems]

    assert broken == [], "make a new version of the event, with a step from the old one (CONTRIBUTING.md)"


def test_the_schema_files_are_current() -> None:
    assert [path.name for path, _, _ in differences()] == [], "run `make docs`"


def test_every_released_version_can_still_be_read() -> None:
    assert orphans() == []


def test_every_schema_is_a_valid_json_schema() -> None:
    for model in EVENTS:
        jsonschema_rs.meta.validate(schema_of(model))


def test_encoded_events_match_their_schema() -> None:
    jsonschema_rs.validate(schema_of(type(click())), json.loads(body_of(click())))
    jsonschema_rs.validate(schema_of(type(click())), json.loads(body_of(click(send=None))))


def test_the_example_reports_match_their_schemas() -> None:
    for name, report in (("ClickReported", CLICK_REPORT), ("EngagementReported", ENGAGEMENT_REPORT)):
        jsonschema_rs.validate(schema_of(EVENTS.model(name)), report)  # type: ignore[arg-type] # both are known


def test_every_published_event_requires_its_id_time_and_account() -> None:
    for model in filter(is_published, EVENTS):
        assert {"event_id", "occurred_at", "account_id"} <= set(schema_of(model)["required"])


def copy_released_schemas(folder: Path) -> None:
    for path in FOLDER.glob("*.json"):
        (folder / path.name).write_text(path.read_text())


def test_writing_updates_changed_and_missing_files(tmp_path: Path) -> None:
    copy_released_schemas(tmp_path)
    path = tmp_path / "penchant.ContactClicked.v1.json"
    released = path.read_text()
    path.write_text(released.replace("requested a tracked link", "clicked"))
    (tmp_path / "penchant.SegmentLeft.v1.json").unlink()

    assert {written.name for written in write_schemas(tmp_path)} == {path.name, "penchant.SegmentLeft.v1.json"}
    assert path.read_text() == released
    assert write_schemas(tmp_path) == []


def test_an_incompatible_change_is_rejected_and_nothing_is_written(tmp_path: Path) -> None:
    copy_released_schemas(tmp_path)
    path = tmp_path / "penchant.ContactClicked.v1.json"
    released = json.loads(path.read_text())
    released["properties"]["colour"] = {"type": "string"}
    path.write_text(json.dumps(released))
    missing = tmp_path / "penchant.SegmentLeft.v1.json"
    missing.unlink()

    with pytest.raises(BrokenPromise, match=r"penchant\.ContactClicked\.v1\.json /colour: is removed"):
        write_schemas(tmp_path)
    assert not missing.exists()


@pytest.mark.parametrize("name", ["penchant.ContactWinked.v1.json", "penchant.ContactClicked.v2.json"])
def test_removing_a_released_event_is_rejected(tmp_path: Path, name: str) -> None:
    copy_released_schemas(tmp_path)
    (tmp_path / name).write_text("{}")

    assert orphans(tmp_path) == [name.removesuffix(".json")]
    with pytest.raises(BrokenPromise, match="cannot be read any more"):
        write_schemas(tmp_path)


def test_a_type_consists_of_a_name_and_a_version() -> None:
    assert type_of(type(click())) == "penchant.ContactClicked.v1"
