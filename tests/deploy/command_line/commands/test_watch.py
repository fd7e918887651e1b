import pytest
from typer.testing import CliRunner

from deploy.command_line.app import app
from deploy.command_line.commands.watch import TYPES, as_object, line
from deploy.command_line.feed import Names, ReceivedEvent
from shared.events.codec import Tombstone, decode, headers_of
from tests.shared.events.examples import NOON, click, record


def seen() -> ReceivedEvent:
    value, headers = record(click(url="https://shop.example/\x1b[2J"))
    return ReceivedEvent("tracking.clicks", 3, 17, decode("tracking.clicks", b"7:12", value, headers))


def erased() -> ReceivedEvent:
    headers = headers_of("penchant.Tombstone.v1", "id-1", "/labeling", NOON, 43, {}, None, None, None)
    return ReceivedEvent("labeling.contacts", 3, 18, decode("labeling.contacts", b"7:12", None, dict(headers)))


def test_a_line_says_when_whose_and_what_and_steers_no_terminal() -> None:
    shown = line(seen(), Names())

    assert "  account 7  contact 12 clicked https://shop.example/" in shown
    assert "\x1b" not in shown


def test_a_program_gets_the_event_and_its_place() -> None:
    shown = as_object(seen())

    assert (shown["type"], shown["topic"], shown["partition"], shown["offset"]) == (
        "ContactClicked",
        "tracking.clicks",
        3,
        17,
    )
    assert isinstance(shown["event"], dict)
    assert shown["event"]["contact_id"] == 12


def test_a_contact_that_is_gone_is_shown_too() -> None:
    assert line(erased(), Names()).endswith("account 7  contact 12 is forgotten")
    assert (as_object(erased())["type"], as_object(erased())["event"]) == ("Tombstone", None)
    assert isinstance(erased().event, Tombstone)


@pytest.mark.parametrize("kind", ["Nonsense", "ContactClicked.v1", "LabelChanged"])
def test_a_type_that_never_comes_is_wrong_use(kind: str) -> None:
    assert kind not in TYPES
    assert CliRunner().invoke(app, ["watch", "--type", kind]).exit_code == 2
