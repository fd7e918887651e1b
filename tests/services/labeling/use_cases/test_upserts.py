"""Contacts by external id or address: dense ids, unique keys, one row per contact."""

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
    # The former address of Ben is free again.
    assert (await shop.write({"email": "ben@example.com"})).contact_ids == [3]


async def test_what_changes_nothing_is_not_published(shop: Shop) -> None:
    await shop.contact("ann@example.com", fields={"city": "Gent"})
    before = len(await shop.events())
    result = await shop.write({"email": "ann@example.com", "fields": {"city": "Gent"}})
    assert (result.updated, len(await shop.events())) == (1, before)


async def test_a_bad_row_does_not_hold_up_the_others(shop: Shop) -> None:
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


async def test_the_same_contact_twice_in_one_batch(shop: Shop) -> None:
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


async def test_making_an_existing_contact_is_a_conflict(shop: Shop) -> None:
    await shop.contact("ann@example.com")
    row = UpsertRow("create", {"email": "Ann@Example.com"})
    result = await upsert_contacts(shop.database, shop.account_id, [row], BY_API)
    assert [problem.code for problem in result.problems] == ["conflict"]


async def test_an_address_may_move_from_one_contact_to_another(shop: Shop) -> None:
    ann, ben = await shop.contact("ann@example.com"), await shop.contact("ben@example.com")
    taken = UpsertRow("update", {"email": "ann@example.com"}, contact_id=ben)
    assert (await upsert_contacts(shop.database, shop.account_id, [taken], BY_API)).problems[0].code == "conflict"
    away = UpsertRow("update", {"email": "anna@example.com"}, contact_id=ann)
    assert not (await upsert_contacts(shop.database, shop.account_id, [away], BY_API)).problems
    assert not (await upsert_contacts(shop.database, shop.account_id, [taken], BY_API)).problems


async def test_a_process_that_died_between_id_and_contact_blocks_nobody(shop: Shop) -> None:
    keys = (("external", "x"), ("email", "ann@example.com"))
    ghost = await settle_contacts(shop.database, shop.account_id, [KeyClaim("upsert", keys)])  # type: ignore[arg-type]
    ann, ben = await shop.contact("ann@example.com"), await shop.contact("ben@example.com", external_id="x")
    assert [ann] == ghost.rows
    assert ben != ann


async def test_many_at_once_make_one_contact_of_each_address(shop: Shop) -> None:
    people = [{"email": f"person{number}@example.com", "external_id": str(number)} for number in range(40)]
    results = await asyncio.gather(*(shop.write(*(people[turn:] + people[:turn])) for turn in range(0, 40, 8)))
    assert sum(result.created for result in results) == 40
    assert not [problem for result in results for problem in result.problems]
    assert await shop.database.pool.fetchval("SELECT count(*) FROM contacts") == 40
    assert await shop.database.pool.fetchval("SELECT count(*) FROM directory") == 80


async def test_two_that_make_the_same_contact_at_once_do_not_both_win(shop: Shop) -> None:
    row = UpsertRow("create", {"email": "ann@example.com"})
    results = await asyncio.gather(*(upsert_contacts(shop.database, shop.account_id, [row], BY_API) for _ in range(6)))
    assert sum(result.created for result in results) == 1
    assert {problem.code for result in results for problem in result.problems} == {"conflict"}


async def test_a_label_deleted_meanwhile_is_given_to_nobody(shop: Shop) -> None:
    await delete_label(shop.database, shop.account_id, shop.labels["Dogs"].id)
    # The row still has the label as of the moment when its name was looked up.
    ann = await shop.contact("ann@example.com", labels=["Dogs", "Cats"])
    assert not await shop.holds(ann, "Dogs")
    assert await shop.holds(ann, "Cats")


async def test_one_row_gives_up_an_address_and_another_takes_it(shop: Shop) -> None:
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


async def test_an_address_that_is_not_given_up_after_all_is_not_taken(shop: Shop) -> None:
    await shop.write({"external_id": "a", "email": "ann@example.com"}, {"external_id": "b", "email": "ben@example.com"})
    result = await shop.write(
        {"external_id": "a", "email": "anna@example.com", "fields": {"shoe": 1}},
        {"external_id": "b", "email": "ann@example.com"},
    )
    assert [(problem.index, problem.code) for problem in result.problems] == [(0, "invalid"), (1, "conflict")]
