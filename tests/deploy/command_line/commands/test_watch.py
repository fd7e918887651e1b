"""The output of the command `watch`, as lines and as JSON objects."""

import pytest
from typer.testing import CliRunner

from deploy.command_line.app import app
from deploy.command_line.commands.watch import TYPES, as_object, line
from deploy.command_line.feed import Names, ReceivedEvent
from shared.events.codec import Tombstone, decode, headers_of
from tests.shared.events.examples import NOON, click, record


def received_click() -> ReceivedEvent:
    value, headers = record(click(url="https://shop.example/\x1b[2J"))
    return ReceivedEvent("tracking.clicks", 3, 17, decode("tracking.clicks", b"7:12", value, headers))


def received_tombstone() -> ReceivedEvent:
    headers = headers_of("penchant.Tombstone.v1", "id-1", "/labeling", NOON, 43, {}, None, None, None)
    return ReceivedEvent("labeling.contacts", 3, 18, decode("labeling.contacts", b"7:12", None, dict(headers)))


def test_a_line_shows_account_and_event_without_control_characters() -> None:
    shown = line(received_click(), Names())

    assert "  account 7  contact 12 clicked https://shop.example/" in shown
    assert "\x1b" not in shown


def test_json_output_contains_the_event_with_topic_partition_and_offset() -> None:
    shown = as_object(received_click())

    assert (shown["type"], shown["topic"], shown["partition"], shown["offset"]) == (
        "ContactClicked",
        "tracking.clicks",
        3,
        17,
    )
    assert isinstance(shown["event"], dict)
    assert shown["event"]["contact_id"] == 12


def test_tombstones_are_shown() -> None:
    assert line(received_tombstone(), Names()).endswith("account 7  contact 12 was erased")
    assert (as_object(received_tombstone())["type"], as_object(received_tombstone())["event"]) == ("Tombstone", None)
    assert isinstance(received_tombstone().event, Tombstone)


@pytest.mark.parametrize("kind", ["Nonsense", "ContactClicked.v1", "LabelChanged"])
def test_an_unknown_event_type_is_a_usage_error(kind: str) -> None:
    assert kind not in TYPES
    assert CliRunner().invoke(app, ["watch", "--type", kind]).exit_code == 2
