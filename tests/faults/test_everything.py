"""All four services are killed at random moments under load; every effect happens exactly once.

Clicks are counted independently; labels, members, announcements and messages must match that count.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.conftest import TestKafka, TestPostgres
from tests.faults.checks import check_every_click_counted_once, check_topic_equals_event_table, distinct_events
from tests.faults.dice import new_dice
from tests.faults.load import Load
from tests.stack.processes import ServiceProcess
from tests.stack.sandbox import Sandbox
from tests.stack.shop import Shop, until_known
from tests.stack.waiting import until_equal

SERVICES = ("tracking", "labeling", "segmentation", "workflow")
CONTACTS, KILLS, OFTEN = 120, 8, 3
SETTLED_WITHIN = 120.0  # seconds
SESSION_TIMEOUT = "6"  # seconds; the shortest that a broker accepts

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]


@dataclass(frozen=True, slots=True)
class Everything:
    """The processes, and a shop with a segment of frequent clickers and a workflow for contacts who like dogs."""

    sandbox: Sandbox
    services: dict[str, ServiceProcess]
    shop: Shop
    segment_id: str

    def clicked_dogs(self, at_least: int) -> set[int]:
        """Return the contacts with at least that many clicks on dogs, as counted independently."""
        dogs = self.shop.labels["Dogs"]
        counted = self.shop.interests.items()
        return {contact for (contact, label), clicks in counted if label == dogs and clicks >= at_least}

    async def restart(self, name: str, dice: random.Random) -> None:
        """Kill and start a service; sometimes kill it a second time while it starts."""
        process = self.services[name]
        process.kill()
        process.start(ready=False)
        if dice.random() < 0.3:
            await asyncio.sleep(dice.random() * 3)  # a random point of its start
            process.kill()
            process.start(ready=False)

    async def members(self) -> set[int]:
        """Return the members of the segment, read page by page; an empty set while segmentation answers 503."""
        found: set[int] = set()
        url = f"{self.services['segmentation'].url}/v1/segments/{self.segment_id}/members"
        async with httpx.AsyncClient(timeout=30, headers=self.shop.headers) as http:
            cursor: str | None = None
            while True:
                answer = await http.get(url, params={"limit": 1000} | ({} if cursor is None else {"cursor": cursor}))
                if answer.status_code != 200:
                    return set()
                page = answer.json()
                found |= {item["contact_id"] for item in page["items"]}
                cursor = page["next_cursor"]
                if cursor is None:
                    return found

    async def events_by_contact(self, topic: str) -> Counter[int]:
        """Return the number of the shop's events by contact, as an external consumer sees them."""
        return Counter(
            event["contact_id"]
            for _, event in await distinct_events(self.sandbox, topic)
            if event["account_id"] == self.shop.account_id
        )


@pytest.fixture
def sandbox(kafka: TestKafka, postgres: TestPostgres, tmp_path: Path) -> Iterator[Sandbox]:
    """Provide topics and databases. The servers are not stopped, so they may be shared."""
    made = Sandbox(kafka, postgres, tmp_path, kafka_session_timeout=SESSION_TIMEOUT)
    yield made
    made.clear()


@pytest_asyncio.fixture
async def everything(sandbox: Sandbox) -> AsyncIterator[Everything]:
    services = {name: sandbox.service(name) for name in SERVICES}
    for process in services.values():
        process.start(ready=False)
    for process in services.values():
        await asyncio.to_thread(process.wait_ready)
    shop = await Shop.open(services["labeling"].url, services["tracking"].url, CONTACTS)
    dogs = str(shop.labels["Dogs"])
    async with httpx.AsyncClient(timeout=30, headers=shop.headers) as http:
        for name, path in (("segmentation", "segments"), ("workflow", "workflows")):
            await until_known(http, f"{services[name].url}/v1/{path}")
        rows = [{"external_id": f"c{number}", "subscription": "subscribed"} for number in range(CONTACTS)]
        await _post(http, f"{services['labeling'].url}/v1/contacts/batch", rows)
        criterion = {"clicks": {"label": dogs, "at_least": OFTEN}}
        segment = await _post(
            http, f"{services['segmentation'].url}/v1/segments", {"name": "Often", "criterion": criterion}
        )
        workflow = await _post(
            http,
            f"{services['workflow'].url}/v1/workflows",
            {
                "name": "Dog lovers",
                "triggers": [{"on": "LabelAssigned", "label": dogs}],
                "steps": [{"send": {"message": str(shop.message_id)}}],
            },
        )
        await _post(http, f"{services['workflow'].url}/v1/workflows/{workflow['id']}/activate", None)
    yield Everything(sandbox, services, shop, segment["id"])


async def _post(http: httpx.AsyncClient, url: str, body: object) -> dict[str, Any]:
    answer = await http.post(url, json=body)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.asyncio
async def test_every_effect_happens_once_when_services_are_killed(everything: Everything) -> None:
    dice = new_dice()
    async with Load(everything.sandbox.settings, everything.shop, 200) as load:
        victims = [*SERVICES, *dice.choices(SERVICES, k=KILLS - len(SERVICES))]
        dice.shuffle(victims)
        for name in victims:
            await load.wait_for_more(dice.randint(50, 500))
            await everything.restart(name, dice)
        await load.wait_for_more(200)
    for process in everything.services.values():
        await asyncio.to_thread(process.wait_ready)
    await check_every_click_counted_once(everything.sandbox, everything.shop, SETTLED_WITHIN)
    await until_equal(everything.members, everything.clicked_dogs(OFTEN), SETTLED_WITHIN)

    expected = {
        ("segmentation", "segmentation.memberships"): everything.clicked_dogs(OFTEN),
        ("workflow", "workflow.messages"): everything.clicked_dogs(1),
    }
    for (service, topic), contacts in expected.items():
        # One event per contact: no membership was announced twice or ended, and no message was requested twice.
        once = Counter(dict.fromkeys(contacts, 1))
        await until_equal(partial(everything.events_by_contact, topic), once, SETTLED_WITHIN)
        await check_topic_equals_event_table(everything.sandbox, service, topic)
