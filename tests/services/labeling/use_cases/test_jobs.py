"""Labels and fields are deleted by jobs, in pieces."""

import pytest

from services.labeling.domain.errors import ConflictError
from services.labeling.domain.fields import Field
from services.labeling.use_cases import deletions
from services.labeling.use_cases.fields import create_field, delete_field
from services.labeling.use_cases.labels import delete_label
from tests.services.labeling.shop import Shop

pytestmark = pytest.mark.asyncio


async def delete_dogs(shop: Shop) -> None:
    await delete_label(shop.database, shop.account_id, shop.labels["Dogs"].id)


async def test_deleting_a_label_in_pieces_publishes_one_removal_per_holder(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "PIECE", 2)
    contacts = [{"email": f"p{number}@example.com", "labels": ["Dogs", "Cats"]} for number in range(50)]
    await shop.write(*contacts)
    await delete_dogs(shop)
    await shop.run_jobs()
    removed = await shop.events("LabelRemoved")
    assert sorted(event["contact_id"] for event in removed) == list(range(1, 51))
    assert all(b'"kind":"label_deleted"' in event["body"] for event in removed)
    assert not await shop.holds(7, "Dogs")
    assert await shop.holds(7, "Cats")
    (job,) = await shop.database.pool.fetch("SELECT state, done, total, result, step FROM background_jobs")
    assert tuple(job)[:4] == ("done", 50, 50, '{"removed": 50}')
    assert job["step"] > 25
    assert await shop.history(7, "Dogs") == ["assigned", "removed"]


async def test_deleting_a_field_removes_its_values_and_then_frees_its_key(shop: Shop) -> None:
    ann = await shop.contact(fields={"city": "Gent", "age": 3})
    city = Field("city", "City", "text")
    await delete_field(shop.database, shop.account_id, "city")
    with pytest.raises(ConflictError):
        await create_field(shop.database, shop.account_id, city)
    await shop.run_jobs()
    fields = await shop.database.pool.fetchval("SELECT fields FROM contacts WHERE contact_id = $1", ann)
    assert fields == '{"age": 3}'
    assert b'"fields":{"age":3}' in (await shop.events("ContactChanged"))[-1]["personal"]
    assert (await create_field(shop.database, shop.account_id, city)).field == city
