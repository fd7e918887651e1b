"""Hosted forms with double opt-in, and suppressed addresses."""

import asyncio
from typing import Any

import httpx

from tests.services.labeling.api.conftest import Account, Running
from tests.services.labeling.api.events import events_of


def make_form(account: Account, **more: Any) -> tuple[Any, str]:
    dogs = account.make("/v1/labels", {"name": "Dogs", "visibility": "public"})["id"]
    account.make("/v1/fields", {"key": "city", "name": "City", "type": "text"})
    body = {"name": "Newsletter", "fields": ["city"], "labels": [dogs], **more}
    return account.make("/v1/forms", body), dogs


def contact_of(account: Account, email: str) -> Any:
    items = account.get("/v1/contacts", params={"email": email}).json()["items"]
    return items[0] if items else None


def test_a_subscription_is_confirmed_by_a_mailed_link(running: Running, account: Account, public: httpx.Client) -> None:
    form, dogs = make_form(account)
    path = httpx.URL(form["url"]).path
    page = public.get(path, headers={"Accept-Language": "de"})
    assert (page.status_code, "Newsletter" in page.text, "Dogs" in page.text) == (200, True, True)
    assert "frame-ancestors *" in page.headers["content-security-policy"]
    assert '<html lang="nl"' in public.get(f"{path}?language=nl", headers={"Accept-Language": "fr"}).text
    assert '<html lang="fr"' in public.get(path, headers={"Accept-Language": "fr"}).text
    filled = {"email": "ann@example.com", "field.city": "Gent", "label": dogs, "consent": "yes"}
    assert public.post(path, data=filled).status_code == 200
    ann = contact_of(account, "ann@example.com")
    assert (ann["subscription"], ann["fields"]) == ("unconfirmed", {})

    (requested,) = asyncio.run(events_of(running.dsn, account.account_id, "MessageRequested"))
    assert (requested["system"]["kind"], requested["cause"]) == (
        "confirm_subscription",
        {"kind": "form", "form_id": form["id"]},
    )
    link = httpx.URL(requested["system"]["url"]).path
    assert public.get(link).status_code == 200
    assert contact_of(account, "ann@example.com")["subscription"] == "unconfirmed"
    for _ in range(2):
        assert public.post(link).status_code == 200
    ann = contact_of(account, "ann@example.com")
    assert (ann["subscription"], ann["fields"]) == ("subscribed", {"city": "Gent"})
    history = account.get(f"/v1/contacts/{ann['id']}/labels/{dogs}/history").json()["items"]
    assert [(entry["outcome"], entry["origin"]["kind"]) for entry in history] == [("assigned", "self")]
    engagements = account.get(f"/v1/contacts/{ann['id']}/engagements").json()["items"]
    assert [(one["kind"], one["ref"]) for one in engagements] == [("form.submitted", form["id"])]


def test_submissions_by_robots_and_invalid_ones_create_no_contact(account: Account, public: httpx.Client) -> None:
    form, _ = make_form(account)
    path = httpx.URL(form["url"]).path
    robot = {"email": "robot@example.com", "consent": "yes", "website": "https://spam.example"}
    assert public.post(path, data=robot).status_code == 200
    assert public.post(path, data={"email": "nobody", "consent": "yes"}).status_code == 422
    assert public.post(path, data={"email": "ben@example.com"}).status_code == 422
    consenting = {"email": "ben@example.com", "consent": "yes"}
    assert public.post(path, data=consenting | {"field.city": "x" * 1_001}).status_code == 422
    assert public.post(path, data=consenting | {"field.city": "x" * 1_100_000}).status_code == 413
    assert contact_of(account, "robot@example.com") is None
    assert contact_of(account, "ben@example.com") is None
    assert public.get("/f/none").status_code == 404


def test_mails_to_one_address_are_limited_but_invalid_submissions_are_not(
    account: Account, public: httpx.Client
) -> None:
    form, _ = make_form(account)
    path = httpx.URL(form["url"]).path
    filled = {"email": "ben@example.com"}
    assert [public.post(path, data=filled).status_code for _ in range(6)] == [422] * 6
    consenting = filled | {"consent": "yes"}
    assert [public.post(path, data=consenting).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_form_offers_public_labels_and_known_fields_only(account: Account) -> None:
    secret = account.make("/v1/labels", {"name": "Secret"})["id"]
    refused = account.post("/v1/forms", json={"name": "x", "labels": [secret]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/labels/0")
    refused = account.post("/v1/forms", json={"name": "x", "fields": ["shoe"]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/fields/0")
    form, dogs = make_form(account)
    uses = account.delete(f"/v1/labels/{dogs}").json()["uses"]
    assert [(use["kind"], use["id"]) for use in uses] == [("form", form["id"])]
    assert account.put(f"/v1/forms/{form['id']}", json={"name": "Other"}).json()["version"] == 2
    assert account.delete(f"/v1/forms/{form['id']}").status_code == 204
    assert account.get("/v1/forms").json()["items"] == []


def test_a_suppressed_address_is_blocked_in_existing_and_new_contacts(account: Account) -> None:
    account.make("/v1/contacts", {"email": "ann@example.com"})
    body = {"emails": ["ANN@example.com", "ben@example.com", "nobody"], "reason": "complained by post"}
    answer = account.make("/v1/suppressions", body)
    assert (answer["added"], answer["known"], [error["index"] for error in answer["errors"]]) == (2, 0, [2])
    assert account.make("/v1/suppressions", body)["known"] == 2
    assert contact_of(account, "ann@example.com")["subscription"] == "blocked"
    result = account.make("/v1/contacts/batch", [{"email": "ben@example.com"}, {"email": "cy@example.com"}])
    assert result["created"] == 2
    assert contact_of(account, "ben@example.com")["subscription"] == "blocked"
    assert contact_of(account, "cy@example.com")["subscription"] == "subscribed"
    found = account.make("/v1/suppressions/lookup", {"emails": ["cy@example.com", "ben@example.com"]})["items"]
    assert [item["suppressed"] for item in found] == [False, True]
    listed = account.get("/v1/suppressions")
    assert "example.com" not in listed.text
    assert listed.json()["total"] == 2
    assert account.delete(f"/v1/suppressions/{listed.json()['items'][0]['id']}").status_code == 204
