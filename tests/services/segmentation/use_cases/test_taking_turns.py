"""While one account sends many expensive requests, another account waits for at most one slice at a time.

Durations depend on the machine, so the test checks the order of the evaluations. `make bench` (`neighbours`) measures
milliseconds.
"""

import asyncio
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.segmentation.domain.answers import answer
from services.segmentation.use_cases import slice_owners
from shared.events.labeling import AccountChanged, ApiKeyChanged
from shared.http.keys import generate, hash_of
from tests.services.segmentation.rig import ACCOUNT, CATS, DOGS, NOON, PARTITIONS, Rig, clicked, contact
from tests.shared.criteria.strategies import ZONE
from tests.stack.waiting import until

QUIET = ACCOUNT + 1
IN_FLIGHT = 20  # requests of the noisy account
QUESTIONS = 25  # requests of the quiet account, at least
ANSWERS = 400  # slices evaluated for the noisy account, at least
PARTS = [
    {"all": [{"not": {"label": str(CATS)}}, {"clicks": {"label": str(DOGS), "at_least": 1 + number}}]}
    for number in range(24)
]
EXPENSIVE = {"criterion": {"any": PARTS}}
CHEAP: dict[str, Any] = {"criterion": {"all": []}}


async def open_account(rig: Rig) -> str:
    """Publish the quiet account; return its key."""
    key = generate()
    await rig.publish(
        [
            AccountChanged(occurred_at=NOON, account_id=QUIET, account_name="Neighbour", time_zone=ZONE.key),
            ApiKeyChanged(
                occurred_at=NOON, account_id=QUIET, key_id=uuid4(), hash=hash_of(key), scopes=("read",), revoked=False
            ),
        ]
    )
    return key


async def count(http: httpx.AsyncClient, body: dict[str, Any]) -> int:
    answered = await http.post("/v1/criteria/count", json=body)
    assert answered.status_code == 200, answered.text
    found: int = answered.json()["count"]
    return found


@pytest.mark.asyncio
async def test_slices_are_evaluated_for_the_accounts_in_turn(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def record_and_answer(*arguments: Any) -> Any:
        asked.append(arguments[-1])
        return answer(*arguments)

    monkeypatch.setattr(slice_owners, "answer", record_and_answer)
    key = await open_account(rig)
    async with rig.process() as process:
        await rig.publish([contact(number, NOON) for number in range(1, 41)])
        await rig.publish([clicked(number, NOON) for number in range(1, 41)])
        await until(lambda: process.knows(40))
        stop = asyncio.Event()

        async def repeat() -> None:
            while not stop.is_set():
                assert await count(process.client, EXPENSIVE) == 40

        noise = [asyncio.create_task(repeat()) for _ in range(IN_FLIGHT)]
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=process.client.base_url, headers=headers, timeout=30) as quiet:
            questions = 0
            while questions < QUESTIONS or asked.count(ACCOUNT) < ANSWERS:
                assert await count(quiet, CHEAP) == 0
                questions += 1
        stop.set()
        await asyncio.gather(*noise)
    places = [place for place, account_id in enumerate(asked) if account_id == QUIET]
    assert len(places) == questions * PARTITIONS
    for first in range(0, len(places), PARTITIONS):
        gaps = [later - earlier for earlier, later in pairwise(places[first : first + PARTITIONS])]
        assert max(gaps) <= 2, "a slice of the quiet account waited for more than one slice of the noisy account"
