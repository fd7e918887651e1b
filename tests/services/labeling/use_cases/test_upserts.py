"""Upserts by external id or address give dense ids, unique keys, and one row per contact."""

import asyncio

import orjson
import pytest

from services.labeling.domain.directory import KeyClaim
from services.labeling.store.directory import settle_contacts
from services.labeling.use_cases.labels import delete_label
from services.labeling.use_cases.upserts import UpsertRow, upsert_contacts
from tests.services.labeling.shop import BY_API, Shop

pytestmark = pytest.mark.asyncio


async def test_ids_are_dense_and_a_second_upsert_changes_the_same_contact(shop: Shop) -> None:
    first = await shop.write({"email": "ann@example.com"}, {"email": "ben@example.com", "external_id": "b"})
    again = await shop.write(
        {"email": "ANN@example.com", "fields": {"city": "Gent"}}, {"external_id": "b", "email": "benny@example.com"}
    )
    assert first.contact_ids == again.contact_ids == [1, 2]
    assert (first.created, first.updated, again.created, again.updated) == (2, 0, 0, 2)
    # Ben's former address is available again.
    assert (await shop.write({"email": "ben@example.com"})).contact_ids == [3]


async def test_an_upsert_without_changes_publishes_nothing(shop: Shop) -> None:
    await shop.contact("ann@example.com", fields={"city": "Gent"})
    before = len(await shop.events())
    result = await shop.write({"email": "ann@example.com", "fields": {"city": "Gent"}})
    assert (result.updated, len(await shop.events())) == (1, before)


async def test_an_invalid_row_does_not_affect_the_other_rows(shop: Shop) -> None:
    await shop.contact("ann@example.com", external_id="a")
    await shop.contact("ben@example.com", external_id="b")
    result = await shop.write(
        {"email": "cees@example.com"},
        {"email": "nobody"},
        {"email": "dora@example.com", "fields": {"shoe": 1}},
        {"external_id": "a", "email": "ben@example.com"},
        {"external_id": "new", "email": "ann@example.com"},
        {"external_id": "without address"},
        {"email": "eve@example.com", "labels": ["Dogs"]},
    )
    assert [(problem.index, problem.code, problem.pointer) for problem in result.problems] == [
        (1, "invalid", "/email"),
        (2, "invalid", "/fields/shoe"),
        (3, "conflict", "/email"),
        (4, "conflict", "/external_id"),
        (5, "invalid", "/email"),
    ]
    assert [contact_id is None for contact_id in result.contact_ids] == [False, True, True, True, True, True, False]
    assert await shop.holds(result.contact_ids[6] or 0, "Dogs")


async def test_rows_about_the_same_contact_are_applied_in_order_in_one_batch(shop: Shop) -> None:
    result = await shop.write(
        {"email": "ann@example.com", "external_id": "a"},
        {"external_id": "a", "email": "anna@example.com"},
        {"email": "anna@example.com", "fields": {"age": 3}},
    )
    assert result.contact_ids == [1, 1, 1]
    assert (result.created, result.updated) == (1, 2)
    (row,) = await shop.database.pool.fetch("SELECT email, external_id, fields FROM contacts")
    assert (row["email"], row["external_id"], orjson.loads(row["fields"])) == ("anna@example.com", "a", {"age": 3})
    keys = await shop.database.pool.fetch("SELECT key FROM directory ORDER BY key")
    assert [key["key"] for key in keys] == ["a", "anna@example.com"]


async def test_creating_an_existing_contact_is_a_conflict(shop: Shop) -> None:
    await shop.contact("ann@example.com")
    row = UpsertRow("create", {"email": "Ann@Example.com"})
    result = await upsert_contacts(shop.database, shop.account_id, [row], BY_API)
    assert [problem.code for problem in result.problems] == ["conflict"]


async def test_an_address_may_move_to_another_contact_once_it_is_released(shop: Shop) -> None:
    ann, ben = await shop.contact("ann@example.com"), await shop.contact("ben@example.com")
    claim = UpsertRow("update", {"email": "ann@example.com"}, contact_id=ben)
    assert (await upsert_contacts(shop.database, shop.account_id, [claim], BY_API)).problems[0].code == "conflict"
    release = UpsertRow("update", {"email": "anna@example.com"}, contact_id=ann)
    assert not (await upsert_contacts(shop.database, shop.account_id, [release], BY_API)).problems
    assert not (await upsert_contacts(shop.database, shop.account_id, [claim], BY_API)).problems


async def test_an_interrupted_creation_does_not_block_its_keys(shop: Shop) -> None:
    keys = (("external", "x"), ("email", "ann@example.com"))
    interrupted = await settle_contacts(shop.database, shop.account_id, [KeyClaim("upsert", keys)])  # type: ignore[arg-type]
    ann, ben = await shop.contact("ann@example.com"), await shop.contact("ben@example.com", external_id="x")
    assert [ann] == interrupted.rows
    assert ben != ann


async def test_concurrent_upserts_create_one_contact_per_address(shop: Shop) -> None:
    patches = [{"email": f"person{number}@example.com", "external_id": str(number)} for number in range(40)]
    results = await asyncio.gather(*(shop.write(*(patches[turn:] + patches[:turn])) for turn in range(0, 40, 8)))
    assert sum(result.created for result in results) == 40
    assert not [problem for result in results for problem in result.problems]
    assert await shop.database.pool.fetchval("SELECT count(*) FROM contacts") == 40
    assert await shop.database.pool.fetchval("SELECT count(*) FROM directory") == 80


async def test_only_one_of_several_concurrent_creations_succeeds(shop: Shop) -> None:
    row = UpsertRow("create", {"email": "ann@example.com"})
    results = await asyncio.gather(*(upsert_contacts(shop.database, shop.account_id, [row], BY_API) for _ in range(6)))
    assert sum(result.created for result in results) == 1
    assert {problem.code for result in results for problem in result.problems} == {"conflict"}


async def test_a_label_deleted_after_its_lookup_is_not_assigned(shop: Shop) -> None:
    await delete_label(shop.database, shop.account_id, shop.labels["Dogs"].id)
    # The row still has the label as it was when its name was looked up.
    ann = await shop.contact("ann@example.com", labels=["Dogs", "Cats"])
    assert not await shop.holds(ann, "Dogs")
    assert await shop.holds(ann, "Cats")


async def test_an_address_released_by_one_row_can_be_claimed_by_another_row(shop: Shop) -> None:
    first = await shop.write(
        {"external_id": "a", "email": "ann@example.com"}, {"external_id": "b", "email": "ben@example.com"}
    )
    for rows in (
        [{"external_id": "a", "email": "anna@example.com"}, {"external_id": "b", "email": "ann@example.com"}],
        [{"external_id": "b", "email": "anna@example.com"}, {"external_id": "a", "email": "ann@example.com"}],
        [{"external_id": "a", "email": "x@example.com"}, {"external_id": "c", "email": "ann@example.com"}],
    ):
        for order in (rows, rows[::-1]):
            result = await shop.write(*order)
            assert result.problems == []
    shown = await shop.database.pool.fetch("SELECT external_id, email FROM contacts ORDER BY contact_id")
    assert [tuple(row) for row in shown] == [
        ("a", "x@example.com"),
        ("b", "anna@example.com"),
        ("c", "ann@example.com"),
    ]
    assert first.contact_ids == [1, 2]
    owners = await shop.database.pool.fetch("SELECT key, contact_id FROM directory WHERE kind = 'email' ORDER BY key")
    assert [tuple(row) for row in owners] == [("ann@example.com", 3), ("anna@example.com", 2), ("x@example.com", 1)]


async def test_an_address_is_not_claimed_if_the_row_that_releases_it_is_invalid(shop: Shop) -> None:
    await shop.write({"external_id": "a", "email": "ann@example.com"}, {"external_id": "b", "email": "ben@example.com"})
    result = await shop.write(
        {"external_id": "a", "email": "anna@example.com", "fields": {"shoe": 1}},
        {"external_id": "b", "email": "ann@example.com"},
    )
    assert [(problem.index, problem.code) for problem in result.problems] == [(0, "invalid"), (1, "conflict")]
