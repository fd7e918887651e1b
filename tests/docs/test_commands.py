"""The commands of how-to pages for operators and integrators, as a reader would type them."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.conftest import Shop, until
from tests.docs.pages import DOCS, shell_blocks
from tests.docs.session import Session, json_objects
from tests.stack.sandbox import OPERATOR_KEY


@pytest.fixture
def session(shop: Shop) -> Iterator[Session]:
    session = Session(shop.environment, shop.folder)
    yield session
    session.close()


def test_an_api_key_is_rotated(shop: Shop, session: Session) -> None:
    (rotate,) = shell_blocks("docs/how-to/rotate-keys.md")
    create, show, revoke = rotate.strip().splitlines()
    session.run(create)
    assert "website" in session.run(show)
    (key,) = [one for one in shop.call("labeling", "GET", "/v1/keys")["items"] if one["name"] == "website"]
    session.run(revoke.replace("KEY_ID", key["id"]))
    (key,) = [one for one in shop.call("labeling", "GET", "/v1/keys")["items"] if one["name"] == "website"]
    assert key["revoked"]


def test_a_custom_pipeline_renders_a_message(shop: Shop, session: Session) -> None:
    made, rendered = shell_blocks("docs/how-to/bring-your-own-delivery.md")
    message = shop.call("tracking", "POST", "/v1/messages", {"name": "Guide", "html": "<p>Hello 1</p>"})
    for number in (2, 3):
        body = {"name": "Guide", "html": f"<p>Hello {number}</p>"}
        shop.call("tracking", "PUT", f"/v1/messages/{message['id']}", body)
    contacts = [shop.contact(f"contact{number}@example.com") for number in range(7)]
    assert contacts[-1] == 7
    session.run(f"PENCHANT_OPERATOR_KEY={OPERATOR_KEY}")
    key = json_objects(session.run(made))[-1]["key"]
    session.run(f"KEY={key} MESSAGE={message['id']}")
    rendering = rendered.replace("Penchant-Account: 1", f"Penchant-Account: {shop.account_id}")
    line = until(lambda: _rendered(session, rendering))
    assert line["contact_id"] == 7
    assert "Hello 3" in line["html"]


def _rendered(session: Session, commands: str) -> dict[str, str] | None:
    lines = [one for one in json_objects(session.run(commands)) if "html" in one]
    return lines[-1] if lines else None


def test_the_access_rules_for_kafka_are_printed(session: Session) -> None:
    (printed,) = shell_blocks("docs/security.md")
    plain, as_json = printed.strip().splitlines()
    assert "labeling.labels" in session.run(plain.removesuffix(" | sh"))
    assert json_objects(session.run(as_json))


def test_label_events_are_followed(shop: Shop, session: Session) -> None:
    (shop.folder / "docs").symlink_to(DOCS)
    environment, follow = shell_blocks("docs/how-to/follow-label-events.md")
    session.run(environment)
    session.run(follow.rstrip() + " &")
    shop.call("labeling", "POST", "/v1/labels", {"name": "Dogs"})
    contact = shop.contact("anna@shop.example", labels=["Dogs"])
    until(lambda: _holders(shop.folder / "labels.sqlite", shop.account_id) == [(contact, "Dogs")])


def _holders(path: Path, account_id: int) -> list[tuple[int, str]]:
    with sqlite3.connect(path) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE name = 'held'").fetchall()
        asked = "SELECT contact, name FROM held WHERE account = ?"
        return database.execute(asked, (account_id,)).fetchall() if tables else []
