"""After Kafka's data is lost, `penchant up` refuses to start and names the command that restores everything."""

import asyncio
import shutil
from typing import Any

import httpx
import pytest

from shared.bus.follower import Follower
from shared.events.topics import TOPICS
from shared.settings import CommonSettings
from tests.deploy.embedded.penchant import Penchant
from tests.stack.waiting import wait_until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900)]

WITHIN_SECONDS = 150.0
CONTACTS = 40
HTML = '<a href="https://shop.example/dogs">Dogs</a> <a href="{{unsubscribe_url}}">Unsubscribe</a>'
OWNED = [topic.name for topic in TOPICS.values() if topic.kind in ("contact", "catalog")]


class Account:
    """A client for the account of the stack's user."""

    def __init__(self, penchant: Penchant) -> None:
        stack = penchant.stack()
        self._urls = stack["urls"]
        self._http = httpx.Client(headers={"authorization": f"Bearer {stack['api_key']}"}, timeout=30)

    def __enter__(self) -> "Account":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, service: str, method: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(method, self._urls[service] + path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def holders(self, label_id: str) -> int:
        return len(self.call("labeling", "GET", f"/v1/labels/{label_id}/contacts?limit=1000")["items"])

    def members(self, segment_id: str) -> Any:
        return self.call("segmentation", "GET", f"/v1/segments/{segment_id}")["count"]

    def click(self, message: dict[str, Any], contact_ids: list[int]) -> None:
        reports = [
            {
                "contact_id": contact_id,
                "message_id": message["id"],
                "link_id": message["links"][0]["id"],
                "occurred_at": "2026-03-01T10:00:00Z",
                "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            }
            for contact_id in contact_ids
        ]
        assert self.call("tracking", "POST", "/v1/clicks", reports)["accepted"] == len(reports)


def test_up_refuses_a_lost_kafka_and_recover_kafka_restores_it(penchant: Penchant) -> None:
    penchant.ensure_running()
    with Account(penchant) as account:
        label = account.call("labeling", "POST", "/v1/labels", {"name": "Dogs"})["id"]
        criterion = {"label": {"id": label}}
        segment = account.call("segmentation", "POST", "/v1/segments", {"name": "Dogs", "criterion": criterion})["id"]
        message = account.call("tracking", "POST", "/v1/messages", {"name": "Spring", "html": HTML})
        path = f"/v1/messages/{message['id']}/links/{message['links'][0]['id']}/labels"
        account.call("tracking", "PUT", path, {"label_ids": [label]})
        rows = [{"email": f"person{number}@shop.example"} for number in range(CONTACTS)]
        contacts = account.call("labeling", "POST", "/v1/contacts/batch", rows)["contact_ids"]
        account.click(message, contacts)
        wait_until(lambda: account.members(segment) == CONTACTS, WITHIN_SECONDS)
        assert account.holders(label) == CONTACTS
    before = _records(penchant)
    assert {"tracking.clicks", "labeling.labels", "labeling.contacts", "segmentation.memberships"} <= {
        topic for topic, *_ in before
    }

    assert penchant("down").returncode == 0
    shutil.rmtree(penchant.home / "kafka")
    refused = penchant("up", "--detach")
    assert refused.returncode == 1
    assert "penchant recover-kafka" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert penchant("status").returncode == 3

    recovered = penchant("recover-kafka", "--yes")
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    assert penchant("status").returncode == 0
    assert _records(penchant) >= before, "records are missing, or have other ids or sequences"
    with Account(penchant) as account:
        assert account.holders(label) == CONTACTS
        wait_until(lambda: account.members(segment) == CONTACTS, WITHIN_SECONDS)
        one = account.call("labeling", "POST", "/v1/contacts", {"email": "late@shop.example"})["contact_id"]
        account.click(message, [one])
        wait_until(lambda: account.members(segment) == CONTACTS + 1, WITHIN_SECONDS)
        assert account.holders(label) == CONTACTS + 1


def _records(penchant: Penchant) -> set[tuple[str, str, str]]:
    """Return topic, id and sequence of the records of all topics that services write.

    For compacted topics, only the newest record of each key is returned.
    """

    async def read() -> set[tuple[str, str, str]]:
        settings = CommonSettings(kafka=penchant.stack()["kafka"])
        newest: dict[tuple[str, object], tuple[str, str, str]] = {}
        async with Follower(settings, from_beginning=OWNED) as follower:
            for topic, record in await follower.read_to_end():
                headers = {name: (value or b"").decode() for name, value in record.headers}
                key = record.key if TOPICS[topic].compacted else headers["ce_id"]
                newest[topic, key] = (topic, headers["ce_id"], headers["ce_sequence"])
        return set(newest.values())

    return asyncio.run(read())
