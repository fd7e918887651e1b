"""Search, lookup, lists, timelines and all data of contacts, over HTTP."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.services.labeling.api.conftest import Account
from tests.services.labeling.api.waiting import until


def emails(answer: Any) -> list[str]:
    return [one["email"] for one in answer["items"]]


def pages(account: Account, path: str, limit: int) -> list[Any]:
    """Return the items of a list, read page by page."""
    items: list[Any] = []
    cursor = None
    while True:
        wanted = {"limit": limit} | ({} if cursor is None else {"cursor": cursor})
        answer = account.get(httpx.URL(path).copy_merge_params(wanted))
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["items"]) <= limit
        items += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return items


@pytest.fixture
def contact_ids(account: Account) -> list[int]:
    account.make("/v1/fields", {"key": "city", "name": "City", "type": "text"})
    account.make("/v1/labels", {"name": "Dogs"})
    rows = [
        {"email": f"person{number}@example.com", "external_id": f"K-{number}", "fields": {"city": "Sint-Niklaas"}}
        for number in range(7)
    ]
    ids: list[int] = account.make("/v1/contacts/batch", rows)["contact_ids"]
    return ids


def test_contacts_are_found_by_the_beginning_of_a_word(account: Account, contact_ids: list[int]) -> None:
    assert emails(account.get("/v1/contacts?search=PERSON3").json()) == ["person3@example.com"]
    assert emails(account.get("/v1/contacts?search=k-5").json()) == ["person5@example.com"]
    assert emails(account.get("/v1/contacts?search=sint person6").json()) == ["person6@example.com"]
    assert account.get("/v1/contacts?search=erson").json()["items"] == []
    # Wildcards of SQL patterns are plain text.
    assert account.get("/v1/contacts", params={"search": "%"}).json()["items"] == []
    assert account.get("/v1/contacts", params={"search": "person_"}).json()["items"] == []
    assert [one["id"] for one in pages(account, "/v1/contacts?search=person", 2)] == contact_ids


def test_contacts_of_another_account_are_not_found(contact_ids: list[int], new_account: Callable[[], Account]) -> None:
    other = new_account()
    assert other.get("/v1/contacts?search=person").json()["items"] == []
    looked_up = other.make("/v1/contacts/lookup", {"contact_ids": contact_ids})
    assert (looked_up["items"], looked_up["missing"]) == ([], contact_ids)
    for tail in ("timeline", "data"):
        assert other.get(f"/v1/contacts/{contact_ids[0]}/{tail}").status_code == 404


def test_many_contacts_are_looked_up_in_the_order_of_the_request(account: Account, contact_ids: list[int]) -> None:
    first, second, third = contact_ids[:3]
    found = account.make("/v1/contacts/lookup", {"contact_ids": [third, first, 999_999, second, first]})
    assert [one["id"] for one in found["items"]] == [third, first, second]
    assert found["missing"] == [999_999]
    for wrong in ([], [0], list(range(1, 1002)), ["x"]):
        answer = account.post("/v1/contacts/lookup", json={"contact_ids": wrong})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"].startswith("/contact_ids")


def test_the_timeline_of_a_contact_is_read_page_by_page(account: Account, contact_ids: list[int]) -> None:
    ann = contact_ids[0]
    for city in ("Gent", "Aalst", "Brugge"):
        account.patch(f"/v1/contacts/{ann}", json={"fields": {"city": city}})
    account.patch(f"/v1/contacts/{ann}", json={"subscription": "unsubscribed"})
    account.make("/v1/assignments", [{"contact_id": ann, "label": "Dogs", "held": True}])
    report = {"contact_id": ann, "kind": "page.visited", "ref": "prices", "occurred_at": "2026-01-01T10:00:00Z"}
    account.make("/v1/engagements", [report])
    path = f"/v1/contacts/{ann}/timeline"

    def engagement_is_listed() -> bool:
        return any(one["kind"] == "engagement" for one in account.get(path).json()["items"])

    until(engagement_is_listed)
    moments = pages(account, path, 2)
    assert moments == pages(account, path, 100)
    assert [one["at"] for one in moments] == sorted((one["at"] for one in moments), reverse=True)
    kinds = [one["kind"] for one in moments]
    assert {kind: kinds.count(kind) for kind in kinds} == {"change": 5, "label": 1, "engagement": 1, "decision": 2}
    (left,) = [one for one in moments if one["kind"] == "decision" and one["details"]["after"] == "unsubscribed"]
    assert (left["details"]["subject"], left["details"]["before"]) == ("subscription", "subscribed")
    assert left["details"]["origin"]["kind"] == "self"  # the key may act on behalf of a contact
    by_external_id = account.get("/v1/contacts/external:K-0/timeline?limit=1").json()["items"]
    assert by_external_id == moments[:1]


def test_the_data_of_a_contact_include_labels_decisions_and_timeline(account: Account, contact_ids: list[int]) -> None:
    ann = contact_ids[0]
    account.make("/v1/assignments", [{"contact_id": ann, "label": "Dogs", "held": True}])
    account.patch(f"/v1/contacts/{ann}", json={"tracking_consent": "denied"})
    data = account.get(f"/v1/contacts/{ann}/data").json()
    assert (data["contact"]["email"], data["contact"]["fields"]) == ("person0@example.com", {"city": "Sint-Niklaas"})
    assert [(one["name"], one["held"], one["supports"][0]["kind"]) for one in data["labels"]] == [("Dogs", True, "api")]
    assert [(one["subject"], one["after"]) for one in data["decisions"]] == [
        ("tracking_consent", "denied"),
        ("subscription", "subscribed"),
    ]
    assert {one["kind"] for one in data["timeline"]} == {"label", "decision", "change"}
    account.delete(f"/v1/contacts/{ann}")
    assert account.get(f"/v1/contacts/{ann}/data").status_code == 404


def test_holders_and_contacts_are_filtered_and_sorted(account: Account, contact_ids: list[int]) -> None:
    account.make("/v1/assignments", [{"contact_id": one, "label": "Dogs", "held": True} for one in contact_ids[:4]])
    (dogs,) = account.get("/v1/labels").json()["items"]
    path = f"/v1/labels/{dogs['id']}/contacts"
    for sort in ("contact_id", "clicks", "last_click", "since"):
        items = pages(account, f"{path}?sort={sort}", 3)
        assert sorted(one["contact_id"] for one in items) == contact_ids[:4], sort
        assert all(one["clicks"] == 0 and one["last_click"] is None for one in items)
    assert account.get(f"{path}?at_least=1").json()["items"] == []
    assert account.get(f"{path}?sort=name").status_code == 422
    account.patch(f"/v1/contacts/{contact_ids[1]}", json={"subscription": "unsubscribed"})
    listed = account.get("/v1/contacts?label=Dogs&subscription=unsubscribed").json()
    assert [one["id"] for one in listed["items"]] == [contact_ids[1]]
    changed = pages(account, "/v1/contacts?sort=-changed_at", 2)
    assert changed[0]["id"] == contact_ids[1]
    assert len(changed) == len(contact_ids)
    since = changed[0]["changed_at"]
    assert [one["id"] for one in account.get("/v1/contacts", params={"changed_since": since}).json()["items"]] == [
        contact_ids[1]
    ]
