"""Once a request that denies tracking consent is answered, the clicks of its contact are dropped."""

import asyncio

import httpx

from tests.scenarios.scene import Account, Scene
from tests.stack.waiting import until

CONTACTS = 24
HTML = '<p>Hello <a href="https://shop.example/news">News</a> <a href="{{preferences_url}}">Preferences</a></p>'
SEND = {"kind": "campaign", "id": "spring", "sent_at": "2026-03-01T12:00:00Z"}
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}


def clicks_of(account: Account, message_id: str) -> list[int]:
    """Return the contacts whose clicks tracking has stored."""
    return [one["contact_id"] for one in account.get("tracking", f"/v1/clicks?message_id={message_id}")["items"]]


def test_a_click_right_after_consent_was_denied_is_dropped(scene: Scene) -> None:
    with Account.open(scene, "Refusals") as account, httpx.Client(timeout=30, headers=BROWSER) as browser:
        message = account.message(HTML)["id"]
        contacts = account.contacts(CONTACTS)
        tokens = account.tokens(message, contacts, SEND)
        for number, contact in enumerate(contacts):
            if number % 2:
                account.ask("labeling", "PATCH", f"/v1/contacts/{contact}", {"tracking_consent": "denied"})
            else:
                page = f"{scene.url('labeling')}/p/{tokens[contact]['token']}"
                saved = browser.post(page, data={"subscribed": "yes", "consent": "denied"})
                assert saved.status_code == 303, saved.text
            (link,) = tokens[contact]["links"].values()
            assert browser.get(link).status_code == 302
        (last,) = account.post("labeling", "/v1/contacts/batch", [{"email": "last@customers.example"}])["contact_ids"]
        (link,) = account.tokens(message, [last], SEND)[last]["links"].values()
        assert browser.get(link).status_code == 302
        asyncio.run(until(lambda: last in clicks_of(account, message)))
        assert clicks_of(account, message) == [last]
