"""The preference page and unsubscribing, with the tokens of mails."""

import asyncio
import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from shared.events.parts import Send, SendKind
from shared.tokens import Purpose, TokenContents, TokenKeys
from tests.services.labeling.api.conftest import TOKEN_KEYS, Account, Running
from tests.services.labeling.api.events import events_of

KEYS = TokenKeys.parse(TOKEN_KEYS)
DUTCH = {"Accept-Language": "nl-BE,nl;q=0.9"}


@pytest.fixture
def ann(account: Account) -> int:
    contact_id: int = account.make("/v1/contacts", {"email": "ann@example.com"})["contact_id"]
    return contact_id


def token_of(account: Account, contact_id: int, kind: SendKind = "campaign") -> str:
    send = Send(kind=kind, id="spring", sent_at=datetime(2026, 3, 1, tzinfo=UTC))
    return KEYS.make(TokenContents(account.account_id, contact_id, UUID(int=7), send))


def state(account: Account, contact_id: int) -> tuple[str, str]:
    shown = account.get(f"/v1/contacts/{contact_id}").json()
    return shown["subscription"], shown["tracking_consent"]


def held(account: Account, contact_id: int) -> set[str]:
    items = account.get(f"/v1/contacts/{contact_id}/labels").json()["items"]
    return {item["label_name"] for item in items if item["held"]}


def test_the_page_shows_public_labels_in_groups_and_is_translated(
    account: Account, ann: int, public: httpx.Client
) -> None:
    account.patch("/v1/account", json={"brand": {"name": "Paws & Co", "colour": "#ffee00"}})
    account.make("/v1/labels", {"name": "Dogs", "visibility": "public", "group": "Pets", "names": {"nl": "Honden"}})
    account.make("/v1/labels", {"name": "Cats", "visibility": "public", "group": "Pets"})
    account.make("/v1/labels", {"name": "Secret"})
    account.make("/v1/assignments", [{"contact_id": ann, "label": "Dogs", "held": True}])
    page = public.get(f"/p/{token_of(account, ann)}", headers=DUTCH)
    assert page.status_code == 200, page.text
    text = page.text
    assert all(
        part in text for part in ('<html lang="nl">', "Honden", "Cats", "Pets", "Paws &amp; Co", "toegevoegd door")
    )
    assert "Secret" not in text
    assert "<script" not in text
    assert text.count("<h1>") == 1
    assert "set-cookie" not in page.headers
    policy = page.headers["content-security-policy"]
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    assert base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode() in policy
    assert "default-src 'none'" in policy
    assert page.headers["referrer-policy"] == "no-referrer"


def test_groups_and_labels_have_the_configured_order(account: Account, ann: int, public: httpx.Client) -> None:
    for name, group, order in (("Loose", None, 0), ("Zebra", "Wild", 1), ("Ant", "Wild", 2), ("Cow", "Farm", 9)):
        account.make("/v1/labels", {"name": name, "visibility": "public", "group": group, "order": order})
    hen = account.make("/v1/labels", {"name": "Hen", "visibility": "public", "group": "Farm", "order": 10})
    assert hen["order"] == 10

    def names() -> list[str]:
        page = public.get(f"/p/{token_of(account, ann)}", headers={"Accept-Language": "en"}).text
        found = re.findall(r"<legend>(Wild|Farm|Other)</legend>|<span>(Loose|Zebra|Ant|Cow|Hen)", page)
        return [group or label for group, label in found]

    assert names() == ["Wild", "Zebra", "Ant", "Farm", "Cow", "Hen", "Other", "Loose"]
    assert account.patch(f"/v1/labels/{hen['id']}", json={"order": -1}).json()["order"] == -1
    assert names() == ["Farm", "Hen", "Cow", "Wild", "Zebra", "Ant", "Other", "Loose"]


def test_repeated_choices_are_saved_once_with_origin_self(account: Account, ann: int, public: httpx.Client) -> None:
    dogs = account.make("/v1/labels", {"name": "Dogs", "visibility": "public"})["id"]
    cats = account.make("/v1/labels", {"name": "Cats", "visibility": "public"})["id"]
    account.make("/v1/assignments", [{"contact_id": ann, "label": "Dogs", "held": True}])
    path = f"/p/{token_of(account, ann)}"
    form = {"label": [cats], "held": [dogs], "subscribed": "yes", "consent": "denied"}
    for _ in range(2):
        saved = public.post(path, data=form)
        assert (saved.status_code, saved.headers["location"]) == (303, f"{path}?saved=1")
    assert held(account, ann) == {"Cats"}
    assert state(account, ann) == ("subscribed", "denied")
    history = account.get(f"/v1/contacts/{ann}/labels/{dogs}/history").json()["items"]
    assert [(entry["outcome"], entry["origin"]["kind"]) for entry in history] == [
        ("assigned", "api"),
        ("removed", "self"),
    ]
    assert len(account.get(f"/v1/contacts/{ann}/labels/{cats}/history").json()["items"]) == 1
    # The contact itself removed the label, so a program may not assign it again.
    account.make("/v1/assignments", [{"contact_id": ann, "label": "Dogs", "held": True}])
    assert held(account, ann) == {"Cats"}


def test_get_requests_and_tokens_of_test_mails_change_nothing(account: Account, ann: int, public: httpx.Client) -> None:
    token = token_of(account, ann)
    assert public.get(f"/u/{token}").status_code == 200
    assert public.get(f"/p/{token}").status_code == 200
    test = token_of(account, ann, "test")
    assert public.post(f"/u/{test}").status_code == 200
    assert public.post(f"/p/{test}", data={"consent": "denied"}).status_code == 303
    assert state(account, ann) == ("subscribed", "unknown")


def test_one_click_unsubscribes_and_a_synchronisation_does_not_undo_it(
    account: Account, ann: int, public: httpx.Client
) -> None:
    token = token_of(account, ann)
    answer = public.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert public.post(f"/u/{token}").status_code == 200
    assert state(account, ann)[0] == "unsubscribed"
    account.make("/v1/contacts/batch", [{"email": "ann@example.com", "subscription": "subscribed"}])
    assert state(account, ann)[0] == "unsubscribed"
    engagements = account.get(f"/v1/contacts/{ann}/engagements").json()["items"]
    assert [(one["kind"], one["send"]["id"]) for one in engagements] == [("message.unsubscribed", "spring")]
    assert public.post(f"/p/{token}", data={"subscribed": "yes"}).status_code == 303
    assert state(account, ann)[0] == "subscribed"


def test_a_forged_token_gets_404_and_that_of_an_erased_contact_410(
    account: Account, ann: int, public: httpx.Client
) -> None:
    token = token_of(account, ann)
    for wrong in (token[:-1], token + "x", "x", "%C3%A9"):
        assert public.get(f"/p/{wrong}").status_code == 404
        assert public.post(f"/u/{wrong}").status_code == 404
    assert account.delete(f"/v1/contacts/{ann}").status_code == 204
    assert public.get(f"/p/{token}").status_code == 410
    assert public.post(f"/u/{token}").status_code == 410


def test_own_data_and_erasure_require_a_mailed_link(
    running: Running, account: Account, ann: int, public: httpx.Client
) -> None:
    token = token_of(account, ann)
    assert public.get(f"/p/{token}/data").status_code == 404
    assert public.post(f"/p/{token}/access").headers["location"] == f"/p/{token}?sent=1"
    (requested,) = asyncio.run(events_of(running.dsn, account.account_id, "MessageRequested"))
    assert requested["system"]["kind"] == "preference_access"
    path = httpx.URL(requested["system"]["url"]).path
    assert path.endswith("/data")
    assert "ann@example.com" in public.get(path).text
    own = public.get(f"{path}.json").json()
    assert own["email"] == "ann@example.com"
    assert [(one["subject"], one["after"], one["by"]) for one in own["decisions"]] == [
        ("subscription", "subscribed", "api")
    ]
    assert "email,ann@example.com" in public.get(f"{path}.csv").text
    expired = TokenContents(
        account.account_id,
        ann,
        UUID(int=0),
        Send(kind="other", id="access", sent_at=datetime.now(UTC) - timedelta(minutes=31)),
    )
    assert public.get(f"/p/{KEYS.make(expired, Purpose.ACCESS)}/data").status_code == 410
    assert public.post(path, data={"suppress": "yes"}).status_code == 303
    assert account.get(f"/v1/contacts/{ann}").status_code == 200
    assert public.post(path, data={"suppress": "yes", "sure": "yes"}).status_code == 200
    assert account.get(f"/v1/contacts/{ann}").status_code == 404
    again = account.make("/v1/contacts", {"email": "Ann@example.com", "subscription": "subscribed"})
    assert again["subscription"] == "blocked"


def test_submissions_are_limited_per_token(account: Account, ann: int, public: httpx.Client) -> None:
    ben = account.make("/v1/contacts", {"email": "ben@example.com"})["contact_id"]
    for path in (f"/u/{token_of(account, ann)}", f"/p/{token_of(account, ann)}"):
        answers = [public.post(path, data={"subscribed": "yes"}).status_code for _ in range(40)]
        assert answers[0] in (200, 303)
        assert answers[-1] == 429
        assert public.get(path).status_code == 200
    assert public.post(f"/u/{token_of(account, ben)}").status_code == 200
