"""Which data of clicks is stored, for which contacts, and what remains after an erasure."""

from datetime import timedelta
from typing import Any

import pytest

from services.tracking.domain.verdicts import RULES
from shared.events.labeling import AccountChanged
from tests.services.tracking.rig import NOW, Rig, click
from tests.stack.waiting import until

HTML = """<a href="https://shop.example/dogs?a=1&amp;b=2">Dogs</a> <a href="https://shop.example/cats">Cats</a>
<a href="https://shop.example/pets">Pets</a> <a href="https://shop.example/pets">More pets</a>"""
SEND = {"kind": "campaign", "id": "spring", "sent_at": "2026-06-01T08:00:00Z"}


@pytest.mark.asyncio
async def test_clicks_of_test_sends_and_without_consent_are_not_stored(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(7)
    await rig.contacts(8, tracking_consent="denied")
    await rig.report(click(message, 7, send=SEND | {"kind": "test"}), click(message, 8), click(message, 7))
    await rig.click_events(1)
    assert await rig.pool.fetchval("SELECT count(*) FROM clicks WHERE account_id = $1", rig.account_id) == 1


@pytest.mark.asyncio
async def test_an_account_can_exclude_contacts_with_unknown_consent(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(7, tracking_consent="unknown")
    await rig.contacts(8, tracking_consent="granted")
    await rig.report(click(message, 7))
    await rig.click_events(1)
    account: dict[str, Any] = {"occurred_at": NOW, "account_id": rig.account_id, "time_zone": "UTC"}
    await rig.publish(AccountChanged(**account, account_name="Shop", track_unknown_consent=False))
    label = await rig.label("Dogs")
    path = f"/v1/messages/{message['id']}/links/{message['links'][0]['id']}/labels"
    # Tracking reads the catalog in order: once it knows the label, it has applied the account's change.
    assert (await rig.http.put(path, json={"label_ids": [label]})).status_code == 200
    await rig.report(click(message, 7), click(message, 8))
    assert [event.contact_id for event in await rig.click_events(2)] == [7, 8]
    await rig.contacts(7, tracking_consent="granted")
    await rig.report(click(message, 7))
    await rig.click_events(3)


@pytest.mark.asyncio
async def test_erasure_deletes_identifying_data_and_drops_later_clicks(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(7, 8)
    await rig.report(
        *[
            click(message, contact_id, ip="192.0.2.77", headers={"referer": "https://secret.example"})
            for contact_id in (7, 8)
        ]
    )
    await rig.click_events(2)
    await rig.publish(rig.contact(7, state="erased", email=None, external_id=None))
    await rig.publish_tombstone(7)
    query = "SELECT contact_id FROM clicks WHERE account_id = $1 AND coalesce(user_agent, ip, headers) IS NOT NULL"

    async def is_erased() -> bool:
        return [row[0] for row in await rig.pool.fetch(query, rig.account_id)] == [8]

    await until(is_erased)
    await rig.report(click(message, 7), click(message, contact_id=None, email="c8@people.example"))
    await rig.click_events(3)
    row = await rig.pool.fetchrow("SELECT * FROM contacts WHERE account_id = $1 AND contact_id = 7", rig.account_id)
    assert row is not None
    assert (row["state"], row["email_digest"], row["external_digest"]) == ("erased", None, None)
    assert (await rig.numbers(message))["clicks"]["human"] == 3


@pytest.mark.asyncio
async def test_evidence_is_stored_and_its_network_remains_after_an_erasure(rig: Rig) -> None:
    message = await rig.message(HTML)
    await rig.contacts(7, 8, 9)
    headers = {
        "Sec-CH-UA": '"Firefox"',
        "sec-ch-ua-mobile": "?0",
        "sec-ch-ua-platform": "Linux",
        "accept-encoding": "br",
    }
    sent = (NOW - timedelta(hours=1)).isoformat()
    more: dict[str, Any] = {"send": SEND | {"sent_at": sent}, "delivered_at": (NOW - timedelta(minutes=59)).isoformat()}
    await rig.report(
        click(message, 7, ip="192.0.2.77", headers=headers, http_version="2", **more),
        click(message, 8, ip="192.0.2.200"),
        click(message, 9, ip="198.51.100.1"),
    )
    await rig.click_events(3)
    items = (await rig.http.get("/v1/clicks")).json()["items"]
    complete, same_network, other_network = sorted(items, key=lambda item: int(item["contact_id"]))
    assert (complete["since_send"], complete["since_delivery"], complete["http_version"]) == (3600, 3540, "2")
    assert complete["headers"] == {name.lower(): value for name, value in headers.items()}
    assert complete["rules"] == RULES
    assert complete["network"] == same_network["network"] != other_network["network"]
    await rig.publish(rig.contact(7, state="erased", email=None, external_id=None))
    await rig.publish_tombstone(7)

    async def is_erased() -> dict[str, Any] | None:
        (item,) = (await rig.http.get("/v1/clicks?contact_id=7")).json()["items"]
        return dict(item) if item["ip"] is None else None

    remaining = await until(is_erased)
    assert (remaining["ip"], remaining["headers"], remaining["network"]) == (None, None, same_network["network"])
