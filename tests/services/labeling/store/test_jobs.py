"""Deletions, piece by piece."""

import pytest

from services.labeling.store import jobs
from services.labeling.store.fields import add_field, change_field, field_of_key
from services.labeling.store.jobs import add_job, work_on_jobs
from services.labeling.store.labels import LabelPatch, change_label
from shared.events.topics import CATALOG_PARTITION
from tests.services.labeling.shop import Shop

pytestmark = pytest.mark.asyncio


async def delete_dogs(shop: Shop) -> None:
    async with shop.database.unit_of_work(CATALOG_PARTITION) as work:
        label = shop.labels["Dogs"]
        await change_label(work, label, LabelPatch(state="deleted"))
        await add_job(work.connection, shop.account_id, "label_deletion", str(label.id))


async def test_every_holder_is_told_once_whatever_the_pieces(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PIECE", 2)
    people = [{"email": f"p{number}@example.com", "labels": ["Dogs", "Cats"]} for number in range(50)]
    await shop.write(*people)
    await delete_dogs(shop)
    pieces = 0
    while await work_on_jobs(shop.database):
        pieces += 1
    assert pieces > 25
    removed = await shop.events("LabelRemoved")
    assert sorted(event["contact_id"] for event in removed) == list(range(1, 51))
    assert all(b'"kind":"label_deleted"' in event["body"] for event in removed)
    assert not await shop.holds(7, "Dogs")
    assert await shop.holds(7, "Cats")
    (job,) = await shop.database.pool.fetch("SELECT state, done, total, result FROM jobs")
    assert tuple(job) == ("done", 50, 50, '{"removed": 50}')
    assert await shop.history(7, "Dogs") == ["assigned", "removed"]


async def test_a_piece_that_fails_is_done_again_from_where_it_was(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.write(*({"email": f"p{number}@example.com", "labels": ["Dogs"]} for number in range(24)))
    await delete_dogs(shop)
    for _ in range(5):
        assert await work_on_jobs(shop.database)
    with monkeypatch.context() as broken:
        broken.setitem(jobs.QUERIES._texts, "advance_job", "SELECT 1/0 FROM (SELECT $1, $2, $3, $4, $5, $6, $7) AS x")  # type: ignore[attr-defined]
        with pytest.raises(Exception, match=r"."):
            await work_on_jobs(shop.database)
    while await work_on_jobs(shop.database):
        pass
    assert len(await shop.events("LabelRemoved")) == 24


async def test_a_deleted_fields_values_go_and_its_key_is_free_then(shop: Shop) -> None:
    ann = await shop.contact(fields={"city": "Gent", "age": 3})
    async with shop.database.unit_of_work(CATALOG_PARTITION) as work:
        city = await field_of_key(work.connection, shop.account_id, "city")
        assert city is not None
        await change_field(work, city, "City", (), deleted=True)
        await add_job(work.connection, shop.account_id, "field_deletion", "city")
        assert await add_field(work, shop.account_id, city.field) is None
    while await work_on_jobs(shop.database):
        pass
    fields = await shop.database.pool.fetchval("SELECT fields FROM contacts WHERE contact_id = $1", ann)
    assert fields == '{"age": 3}'
    assert b'"fields":{"age":3}' in (await shop.events("ContactChanged"))[-1]["personal"]
    async with shop.database.unit_of_work(CATALOG_PARTITION) as work:
        assert await add_field(work, shop.account_id, city.field) is not None
