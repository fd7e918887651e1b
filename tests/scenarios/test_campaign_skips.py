"""Contacts that may no longer be sent to after the audience was frozen are skipped, and the reason is reported."""

import asyncio
import json
from functools import partial
from typing import Any

import httpx

from tests.scenarios.scene import Account, Scene
from tests.stack.topics import read_topic
from tests.stack.waiting import until, wait_until

HTML = '<p>Hello <a href="https://shop.example/news">News</a> <a href="{{unsubscribe_url}}">Unsubscribe</a></p>'
SEND = {"kind": "campaign", "id": "earlier", "sent_at": "2026-03-01T12:00:00Z"}
INVITED = {"field": {"key": "city", "is": "Gent"}}
WITHOUT_CONSENT = ("willing", "denied_before")
NAMES = (*WITHOUT_CONSENT, "unsubscribed", "bounced", "blocked", "erased", "consent_denied")
ATTEMPTS = 30


def create_contacts(account: Account) -> dict[str, int]:
    """Create subscribed contacts, each named after the change that `change_contacts` makes to it."""
    account.post("labeling", "/v1/fields", {"key": "city", "name": "City", "type": "text"})
    account.ask("labeling", "PATCH", "/v1/account", {"track_unknown_consent": False})
    rows = [
        {
            "email": f"{name}@customers.example",
            "subscription": "subscribed",
            "tracking_consent": "denied" if name == "denied_before" else "granted",
            "fields": {"city": "Gent"},
        }
        for name in NAMES
    ]
    ids = account.post("labeling", "/v1/contacts/batch", rows)["contact_ids"]
    wait_until(partial(_is_counted, account, INVITED, len(NAMES)))
    return dict(zip(NAMES, ids, strict=True))


def _is_counted(account: Account, criterion: dict[str, Any], count: int) -> bool:
    counted: int = account.post("segmentation", "/v1/criteria/count", {"criterion": criterion})["count"]
    return counted == count


def freeze(account: Account, message_id: str) -> str:
    """Return the path of a campaign that has frozen its audience, is paused, and has requested nothing yet.

    The first request follows the freeze at once: a campaign that is paused too late is cancelled, and another one is
    launched.
    """
    body = {"name": "Gent", "message_id": message_id, "audience": {"include": [INVITED]}}
    for _ in range(ATTEMPTS):
        path = f"/v1/campaigns/{account.post('segmentation', '/v1/campaigns', body)['id']}"
        account.post("segmentation", f"{path}/launch")
        wait_until(partial(_is_frozen, account, path))
        paused = account.request("segmentation", "POST", f"{path}/pause")
        if paused.is_success and paused.json()["counts"]["requested"] == 0:
            return path
        account.request("segmentation", "POST", f"{path}/cancel")
    raise AssertionError("no campaign was paused between the freeze and its first request")


def _is_frozen(account: Account, path: str) -> bool:
    counted: int = account.get("segmentation", path)["counts"]["audience"]
    return counted == len(NAMES)


def change_contacts(account: Account, contacts: dict[str, int], message_id: str) -> None:
    """Make the change that each contact is named after; return once segmentation has applied all changes."""
    tokens = account.tokens(message_id, list(contacts.values()), SEND)
    base = account.scene.url("labeling")
    with httpx.Client(timeout=30) as browser:
        leaving = browser.post(f"{base}/u/{tokens[contacts['unsubscribed']]['token']}")
        assert leaving.status_code == 200, leaving.text
        page = f"{base}/p/{tokens[contacts['consent_denied']]['token']}"
        denying = browser.post(page, data={"subscribed": "yes", "consent": "denied"})
        assert denying.status_code == 303, denying.text
    bounced = {"contact_id": contacts["bounced"], "kind": "message.bounced", "message_id": message_id, "send": SEND}
    account.post("labeling", "/v1/engagements", [bounced | {"occurred_at": "2026-03-01T12:00:05Z"}])
    account.suppression("blocked@customers.example")
    account.ask("labeling", "DELETE", f"/v1/contacts/{contacts['erased']}")
    # No criterion reads consent. A later change of the same contact shows that segmentation has applied this one.
    account.ask("labeling", "PATCH", f"/v1/contacts/{contacts['consent_denied']}", {"fields": {"city": "Brugge"}})
    for criterion, count in (
        ({"contact": {"subscription": "subscribed"}}, 3),
        ({"contact": {"subscription": ["unsubscribed", "bounced", "blocked"]}}, 3),
        ({"field": {"key": "city", "is": "Brugge"}}, 1),
    ):
        wait_until(partial(_is_counted, account, criterion, count))


def test_contacts_changed_after_the_freeze_are_skipped_with_a_reason(scene: Scene) -> None:
    with Account.open(scene, "Second thoughts") as account:
        contacts = create_contacts(account)
        message_id = account.message(HTML)["id"]
        path = freeze(account, message_id)
        change_contacts(account, contacts, message_id)
        account.post("segmentation", f"{path}/resume")
        done = wait_until(partial(_done, account, path))
        reasons = {name: 1 for name in NAMES if name not in WITHOUT_CONSENT}
        assert (done["counts"]["requested"], done["counts"]["skipped"]) == (2, reasons)
        report = account.get("segmentation", f"{path}/report")
        assert (report["requested"], report["not_requested"]) == (2, reasons)
        for name, contact_id in contacts.items():
            one = account.get("segmentation", f"{path}/recipients/{contact_id}")
            expected = ("requested", None) if name in WITHOUT_CONSENT else ("skipped", name)
            assert (one["status"], one["reason"]) == expected, one
            assert [(part["criterion"], part["truth"]) for part in one["why"]] == [(INVITED, True)]
        listed = account.get("segmentation", f"{path}/recipients")["items"]
        assert {one["contact_id"] for one in listed} == set(contacts.values())
        asyncio.run(_wait_for_requests(scene, account, path, {contacts[name] for name in WITHOUT_CONSENT}))


def _done(account: Account, path: str) -> dict[str, Any] | None:
    campaign: dict[str, Any] = account.get("segmentation", path)
    return campaign if campaign["state"] == "done" else None


async def _wait_for_requests(scene: Scene, account: Account, path: str, contacts: set[int]) -> None:
    """Wait until the campaign's messages on the topic are requested for exactly these contacts."""

    async def requested() -> bool:
        records = await read_topic(scene.sandbox.settings, "segmentation.messages")
        return {record_contact for record in records if (record_contact := _contact_of(record.value, path))} == contacts

    await until(requested)


def _contact_of(value: bytes, path: str) -> int | None:
    request = json.loads(value)
    return int(request["contact_id"]) if path.endswith(request["send"]["id"]) else None
