"""Lists of contacts are searched by words, filtered and sorted."""

from typing import Literal

import pytest
from pyroaring import BitMap

from services.labeling.store.contact_search import LATEST, MOST_CLICKS, MOST_ID, holders_in_order, moments_of
from services.labeling.store.segment_members import Segment, write_members
from services.labeling.use_cases import contact_lists
from services.labeling.use_cases.contact_data import contact_data
from services.labeling.use_cases.contact_lists import ContactFilter, contacts_by_change, contacts_by_id, search_contacts
from services.labeling.use_cases.erasure import erase_contact
from tests.services.labeling.shop import Shop

pytestmark = pytest.mark.asyncio


async def emails_found(shop: Shop, text: str) -> list[str | None]:
    async with shop.database.pool.acquire() as connection:
        page = await search_contacts(connection, shop.account_id, text, None, 100)
    assert page.following is None
    return [stored.contact.email for _, stored in page.contacts]


async def test_search_matches_prefixes_and_reflects_changes_and_erasure(shop: Shop) -> None:
    ann = await shop.contact(email="ann@example.com", external_id="A-17", fields={"city": "Sint-Niklaas Waas"})
    await shop.contact(email="bob@example.com", fields={"city": "Annecy"})
    assert await emails_found(shop, "ann") == ["ann@example.com", "bob@example.com"]
    assert await emails_found(shop, "A-1") == ["ann@example.com"]
    assert await emails_found(shop, "waas ann") == ["ann@example.com"]
    assert await emails_found(shop, "waas bob") == []
    await shop.write({"email": "ann@example.com", "fields": {"city": "Gent"}})
    assert await emails_found(shop, "waas") == []
    assert await emails_found(shop, "gen") == ["ann@example.com"]
    await erase_contact(shop.database, shop.account_id, ann)
    assert await emails_found(shop, "gen") == []
    assert await shop.database.pool.fetchval("SELECT count(*) FROM contact_words WHERE contact_id = $1", ann) == 0


async def test_search_results_are_paged(shop: Shop) -> None:
    await shop.write(*({"email": f"p{number}@example.com"} for number in range(5)))
    async with shop.database.pool.acquire() as connection:
        first = await search_contacts(connection, shop.account_id, "p", None, 2)
        rest = await search_contacts(connection, shop.account_id, "p", first.following, 10)
    emails = [stored.contact.email for _, stored in [*first.contacts, *rest.contacts]]
    assert emails == [f"p{number}@example.com" for number in range(5)]
    assert rest.following is None


async def test_a_page_of_a_search_examines_a_limited_number_of_contacts(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_lists, "BATCH_SIZE", 3)
    monkeypatch.setattr(contact_lists, "MOST_READ", 2)
    sides = ["Left", "Right", "Left", "Right and left", "Left"] * 4
    await shop.write(*({"email": f"p{n:02}@example.com", "fields": {"city": side}} for n, side in enumerate(sides)))
    third, eighth, thirteenth, eighteenth = (f"p{n:02}@example.com" for n in (3, 8, 13, 18))
    assert await pages_of(shop, "right left", 2) == [[third], [eighth, thirteenth], [eighteenth]]
    assert await pages_of(shop, "left right", 9) == [[third, eighth, thirteenth, eighteenth]]
    assert await pages_of(shop, "right right p0 p1", 2) == [[], [], []]
    emails = [f"p{n:02}@example.com" for n in range(20)]
    assert [email for page in await pages_of(shop, "p l", 2) for email in page] == [
        email for email, side in zip(emails, sides, strict=True) if "eft" in side
    ]


async def pages_of(shop: Shop, text: str, limit: int) -> list[list[str | None]]:
    """Return the contacts of each page of a search."""
    pages: list[list[str | None]] = []
    after = None
    async with shop.database.pool.acquire() as connection:
        while not pages or after is not None:
            page = await search_contacts(connection, shop.account_id, text, after, limit)
            pages.append([stored.contact.email for _, stored in page.contacts])
            after = page.following
    return pages


async def test_contacts_are_filtered_and_ordered_by_id_or_change(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_lists, "BATCH_SIZE", 3)
    for number in range(10):
        await shop.write(
            {
                "email": f"p{number}@example.com",
                "subscription": "unsubscribed" if number % 3 == 0 else "subscribed",
                "labels": ["Dogs"] if number % 2 == 0 else [],
            }
        )
    segment = shop.labels["Cats"].id
    async with shop.database.transaction() as connection:
        members = {(segment, 0): BitMap([1, 2, 3, 5, 9])}
        await write_members(connection, members, {segment: Segment(shop.account_id, "Some")})
        dogs = shop.labels["Dogs"]
        wanted = ContactFilter(label=dogs, subscription="subscribed")
        page = await contacts_by_id(connection, shop.account_id, wanted, 0, 100)
        assert [stored.contact_id for stored in page] == [3, 5, 9]
        page = await contacts_by_id(connection, shop.account_id, ContactFilter(segment=segment), 2, 2)
        assert [stored.contact_id for stored in page] == [3, 5]
        both = ContactFilter(label=dogs, segment=segment)
        page = await contacts_by_change(connection, shop.account_id, both, None, 100)
        assert [stored.contact_id for stored in page] == [9, 5, 3, 1]
        before = (page[1].changed_at, page[1].contact_id)
        page = await contacts_by_change(connection, shop.account_id, both, before, 1)
        assert [stored.contact_id for stored in page] == [3]


async def test_holders_of_a_label_are_listed_in_each_order(shop: Shop) -> None:
    await shop.write(*({"email": f"p{number}@example.com", "labels": ["Dogs"]} for number in range(4)))
    await shop.database.pool.execute(
        "UPDATE assignments SET clicks = contact_id % 3, last_click = now() + contact_id % 2 * interval '1 second',"
        " since = since - contact_id * interval '1 second'"
    )
    async with shop.database.pool.acquire() as connection:
        dogs = shop.labels["Dogs"]
        holders = await holders_in_order(
            connection, shop.account_id, dogs.no, "clicks", at_least=1, before=(MOST_CLICKS, MOST_ID), limit=10
        )
        assert [(holder.contact_id, holder.clicks) for holder in holders] == [(2, 2), (4, 1), (1, 1)]
        expected: dict[Literal["last_click", "since"], list[int]] = {"last_click": [3, 1, 4, 2], "since": [1, 2, 3, 4]}
        for order, contact_ids in expected.items():
            holders = await holders_in_order(
                connection, shop.account_id, dogs.no, order, at_least=0, before=(LATEST, MOST_ID), limit=10
            )
            assert [holder.contact_id for holder in holders] == contact_ids


async def test_the_timeline_and_the_data_contain_changes_labels_and_decisions(shop: Shop) -> None:
    ann = await shop.contact(email="ann@example.com", fields={"city": "Gent"})
    await shop.write({"email": "ann@example.com", "fields": {"city": "Aalst"}, "labels": ["Dogs"]})
    async with shop.database.pool.acquire() as connection:
        moments = await moments_of(connection, shop.account_id, ann, LATEST, 100)
        data = await contact_data(connection, shop.account_id, ann)
    assert sorted(moment.kind for moment in moments) == ["change", "change", "decision", "label"]
    (label,) = [moment for moment in moments if moment.kind == "label"]
    assert (label.details["label_name"], label.details["outcome"]) == ("Dogs", "assigned")
    assert data["contact"]["fields"] == {"city": "Aalst"}
    assert [one["name"] for one in data["labels"]] == ["Dogs"]
    assert len(data["timeline"]) == 4
    assert [(one["subject"], one["after"]) for one in data["decisions"]] == [("subscription", "subscribed")]
