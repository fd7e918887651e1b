"""Old versions of events are upcast to the newest version."""

import json
from typing import Any, ClassVar

import pytest

from shared.events.codec import Decoder, headers_of
from shared.events.envelope import ContactEvent, contract
from shared.events.registry import EVENTS, Body, Registry
from shared.events.topics import TOPICS
from shared.events.undecodable import Undecodable
from tests.shared.events.examples import NOON


@contract
class Purchase(ContactEvent):
    """Version 1 had `price` in euros; version 2 has `cents`; version 3 adds `currency`."""

    name: ClassVar[str] = "Purchase"
    version: ClassVar[int] = 3
    topic: ClassVar[str] = "tracking.clicks"

    cents: int
    currency: str


FIRST = {
    "event_id": "01900000-0000-7000-8000-000000000001",
    "occurred_at": "2026-03-01T12:00:00Z",
    "account_id": 1,
    "contact_id": 2,
    "price": 12.5,
}


def registry() -> Registry:
    purchases = Registry([Purchase])

    @purchases.upcast("Purchase", 1)
    def in_cents(body: Body) -> Body:
        return {**body, "cents": round(body.pop("price") * 100)}

    @purchases.upcast("Purchase", 2)
    def in_euros(body: Body) -> Body:
        return {**body, "currency": "EUR"}

    return purchases


def read(known: Registry, version: int, body: dict[str, Any]) -> Purchase:
    headers = dict(headers_of(f"penchant.Purchase.v{version}", "id", "/shop", NOON, 1, {}, None, None, None))
    event: Purchase = Decoder(known).decode("tracking.clicks", b"1:2", json.dumps(body).encode(), headers).event
    return event


def test_an_old_version_is_upcast_to_the_newest_step_by_step() -> None:
    event = read(registry(), 1, FIRST)

    assert (event.cents, event.currency) == (1250, "EUR")
    assert event.contact_id == 2


def test_an_intermediate_version_takes_the_remaining_steps() -> None:
    assert read(registry(), 2, FIRST | {"cents": 99}).currency == "EUR"


def test_the_newest_version_is_not_upcast() -> None:
    assert read(registry(), 3, FIRST | {"cents": 99, "currency": "DKK"}).currency == "DKK"


def test_a_newer_version_is_rejected() -> None:
    with pytest.raises(Undecodable, match=r"newer_version: .*v4.*up to version 3"):
        read(registry(), 4, FIRST)


def test_an_old_version_without_an_upcast_is_rejected() -> None:
    with pytest.raises(Undecodable, match="unknown_version"):
        read(Registry([Purchase]), 1, FIRST)


def test_an_old_version_that_is_not_a_json_object_is_rejected() -> None:
    headers = dict(headers_of("penchant.Purchase.v1", "id", "/shop", NOON, 1, {}, None, None, None))
    for value in (b"[1]", b"{"):
        with pytest.raises(Undecodable):
            Decoder(registry()).decode("tracking.clicks", b"1:2", value, headers)


def test_an_upcast_of_an_unknown_or_registered_version_is_an_error() -> None:
    known = registry()
    for name, version in (("Purchase", 3), ("Purchase", 0), ("Gift", 1), ("Purchase", 1)):
        with pytest.raises(ValueError, match=name):
            known.upcast(name, version)


def test_the_models_cover_exactly_the_topics_that_are_not_for_dead_letters() -> None:
    carried = {model.topic for model in EVENTS.carried()}

    assert carried == {name for name, topic in TOPICS.items() if topic.kind != "dead"}
