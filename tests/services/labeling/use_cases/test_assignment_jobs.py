"""Jobs assign a label to many contacts or remove it from them, and can be undone."""

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


async def holder_ids(shop: Shop, name: str) -> list[int]:
    rows = await shop.database.pool.fetch(
        "SELECT contact_id FROM assignments WHERE label_no = $1 AND held ORDER BY contact_id", shop.labels[name].no
    )
    return [row["contact_id"] for row in rows]


async def run_job(shop: Shop, of: dict[str, Any], name: str, *, held: bool) -> Job:
    label_id = shop.labels[name].id
    job = await create_assignment_job(shop.database, shop.account_id, KEY, of, label_id, held=held)
    await shop.run_jobs()
    found = await find_job(shop.database.pool, shop.account_id, job.id)
    assert found is not None
    assert found.state == "done", found.failure
    return found


async def test_holders_of_a_label_get_another_label_and_undo_removes_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignment_jobs, "BATCH_SIZE", 3)
    await shop.write(*({"email": f"p{number}@example.com", "labels": ["Dogs"]} for number in range(10)))
    await shop.write({"email": "p3@example.com", "labels": ["Cats"]})
    dogs = {"label": str(shop.labels["Dogs"].id)}
    preview = await preview_assignments(shop.database, shop.account_id, dogs, shop.labels["Cats"].id, held=True)
    assert preview == {"changed": 9, "unchanged": 1, "refused": 0}
    job = await run_job(shop, dogs, "Cats", held=True)
    assert job.result == {"changed": 9}
    assert await holder_ids(shop, "Cats") == list(range(1, 11))
    assert len(await shop.events("LabelAssigned")) == 20
    await undo_assignment_job(shop.database, shop.account_id, job.id)
    await shop.run_jobs()
    assert await holder_ids(shop, "Cats") == [4]
    assert await shop.history(1, "Cats") == ["assigned", "removed"]


async def test_undoing_a_removal_assigns_the_label_again(shop: Shop) -> None:
    await shop.write(*({"email": f"p{number}@example.com", "labels": ["Dogs", "Cats"]} for number in range(5)))
    job = await run_job(shop, {"label": str(shop.labels["Dogs"].id)}, "Cats", held=False)
    assert await holder_ids(shop, "Cats") == []
    await undo_assignment_job(shop.database, shop.account_id, job.id)
    await shop.run_jobs()
    assert await holder_ids(shop, "Cats") == [1, 2, 3, 4, 5]


async def test_assigns_a_label_to_the_contacts_of_an_import(shop: Shop) -> None:
    await shop.write({"email": "other@example.com"})
    found = await imported(shop, b"email\nann@example.com\nbob@example.com\n")
    await run_job(shop, {"import": str(found.id)}, "Dogs", held=True)
    assert await holder_ids(shop, "Dogs") == [2, 3]


async def test_unknown_labels_and_jobs_are_rejected(shop: Shop) -> None:
    nothing = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(InvalidError) as error:
        await create_assignment_job(
            shop.database, shop.account_id, KEY, {"label": nothing}, shop.labels["Dogs"].id, held=True
        )
    assert error.value.pointer == "/of/label"
    with pytest.raises(NotFoundError):
        await undo_assignment_job(shop.database, shop.account_id, UUID(nothing))
