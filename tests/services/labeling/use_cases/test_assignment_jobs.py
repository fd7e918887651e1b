"""A label is assigned to many contacts at once and removed again."""

from typing import Any
from uuid import UUID

import pytest

from services.labeling.domain.errors import InvalidError, NotFoundError
from services.labeling.use_cases import assignment_jobs
from services.labeling.use_cases.assignment_jobs import (
    create_assignment_job,
    preview_assignments,
    undo_assignment_job,
)
from shared.jobs.job import Job
from shared.jobs.store import find_job
from tests.services.labeling.importing import imported
from tests.services.labeling.shop import Shop

pytestmark = pytest.mark.asyncio
KEY = UUID(int=7)


async def held(shop: Shop, name: str) -> list[int]:
    rows = await shop.database.pool.fetch(
        "SELECT contact_id FROM assignments WHERE label_no = $1 AND held ORDER BY contact_id", shop.labels[name].no
    )
    return [row["contact_id"] for row in rows]


async def run(shop: Shop, of: dict[str, Any], name: str, *, give: bool) -> Job:
    label_id = shop.labels[name].id
    job = await create_assignment_job(shop.database, shop.account_id, KEY, of, label_id, held=give)
    await shop.run_jobs()
    found = await find_job(shop.database.pool, shop.account_id, job.id)
    assert found is not None
    assert found.state == "done", found.failure
    return found


async def test_holders_of_a_label_get_another_one_and_lose_it_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignment_jobs, "AT_A_TIME", 3)
    await shop.write(*({"email": f"p{number}@example.com", "labels": ["Dogs"]} for number in range(10)))
    await shop.write({"email": "p3@example.com", "labels": ["Cats"]})
    dogs = {"label": str(shop.labels["Dogs"].id)}
    would = await preview_assignments(shop.database, shop.account_id, dogs, shop.labels["Cats"].id, held=True)
    assert would == {"changed": 9, "unchanged": 1, "refused": 0}
    job = await run(shop, dogs, "Cats", give=True)
    assert job.result == {"changed": 9}
    assert await held(shop, "Cats") == list(range(1, 11))
    assert len(await shop.events("LabelAssigned")) == 20
    await undo_assignment_job(shop.database, shop.account_id, job.id)
    await shop.run_jobs()
    assert await held(shop, "Cats") == [4]
    assert await shop.history(1, "Cats") == ["assigned", "removed"]


async def test_a_label_is_taken_and_given_back(shop: Shop) -> None:
    await shop.write(*({"email": f"p{number}@example.com", "labels": ["Dogs", "Cats"]} for number in range(5)))
    job = await run(shop, {"label": str(shop.labels["Dogs"].id)}, "Cats", give=False)
    assert await held(shop, "Cats") == []
    await undo_assignment_job(shop.database, shop.account_id, job.id)
    await shop.run_jobs()
    assert await held(shop, "Cats") == [1, 2, 3, 4, 5]


async def test_who_an_import_touched(shop: Shop) -> None:
    await shop.write({"email": "other@example.com"})
    found = await imported(shop, b"email\nann@example.com\nbob@example.com\n")
    await run(shop, {"import": str(found.id)}, "Dogs", give=True)
    assert await held(shop, "Dogs") == [2, 3]


async def test_what_there_is_not(shop: Shop) -> None:
    nothing = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(InvalidError) as error:
        await create_assignment_job(
            shop.database, shop.account_id, KEY, {"label": nothing}, shop.labels["Dogs"].id, held=True
        )
    assert error.value.pointer == "/of/label"
    with pytest.raises(NotFoundError):
        await undo_assignment_job(shop.database, shop.account_id, UUID(nothing))
