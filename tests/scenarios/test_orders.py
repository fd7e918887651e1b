"""Changes that are written together are applied in order: no consumer sees an effect before its cause."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson

from tests.scenarios.scene import Account, Scene
from tests.stack.topics import read_topic
from tests.stack.waiting import until, until_equal

SINGLE, IN_A_BATCH = 12, 28
HTML = '<p>Hello <a href="https://shop.example/news">News</a></p>'


class Writes:
    """An account with labels, a field and a message; contacts that are written together with labels."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.news, self.bought = account.labels("News", "Bought")
        account.post("labeling", "/v1/fields", {"key": "city", "name": "City", "type": "text"})
        self.message = account.message(HTML)["id"]

    def workflow(self, name: str, **more: Any) -> str:
        """Create a workflow that sends the message to contacts that get the label News."""
        definition = {
            "name": name,
            "triggers": [{"on": "LabelAssigned", "label": self.news}],
            "steps": [{"send": {"message": self.message}}],
        }
        made = self.account.post("workflow", "/v1/workflows", definition | more)
        self.account.post("workflow", f"/v1/workflows/{made['id']}/activate")
        workflow_id: str = made["id"]
        return workflow_id

    def create(self, prefix: str, **more: Any) -> list[int]:
        """Create contacts together with the label, one by one and in a batch; return their ids."""
        rows = [
            {"email": f"{prefix}{number}@customers.example", "labels": ["News"]} | more
            for number in range(SINGLE + IN_A_BATCH)
        ]
        ids = [self.account.post("labeling", "/v1/contacts", row)["contact_id"] for row in rows[:SINGLE]]
        ids += self.account.post("labeling", "/v1/contacts/batch", rows[SINGLE:])["contact_ids"]
        return ids

    def update(self, contact_ids: Sequence[int], **more: Any) -> None:
        """Change contacts together with the label."""
        emails = [self.account.get("labeling", f"/v1/contacts/{contact}")["email"] for contact in contact_ids]
        rows = [{"email": email, "labels": ["News"]} | more for email in emails]
        self.account.post("labeling", "/v1/contacts/batch", rows)

    async def events(self, topic: str) -> list[dict[str, Any]]:
        """Return all committed events of the account on a topic."""
        found = [orjson.loads(record.value) for record in await read_topic(self.account.scene.sandbox.settings, topic)]
        return [event for event in found if event["account_id"] == self.account.account_id]

    def contacts_on(self, topic: str) -> set[int]:
        """Return the contacts that the topic's events are about."""
        return {event["contact_id"] for event in asyncio.run(self.events(topic))}

    def wait_for_requests(self, contact_ids: Sequence[int]) -> set[int]:
        """Wait until a message was requested for each of these contacts; return all contacts with a request."""

        async def requested() -> set[int]:
            return {event["contact_id"] for event in await self.events("workflow.messages")}

        async def requested_so_far() -> set[int]:
            return set(contact_ids) & await requested()

        asyncio.run(until_equal(requested_so_far, set(contact_ids)))
        return asyncio.run(requested())


def test_no_message_is_requested_for_contacts_blocked_together_with_a_label(scene: Scene) -> None:
    with Account.open(scene, "Blocked") as account:
        writes = Writes(account)
        writes.workflow("Welcome")
        blocked = writes.create("blocked", subscription="blocked")
        left = writes.create("left", subscription="unsubscribed")
        known = account.contacts(SINGLE)
        writes.update(known[:6], subscription="blocked")
        writes.update(known[6:], subscription="unsubscribed")
        others = writes.create("reader", subscription="subscribed")  # after the others in each partition
        assert writes.wait_for_requests(others) == set(others)
        assert not {*blocked, *left, *known} & writes.contacts_on("workflow.messages")


def test_a_condition_sees_a_field_written_together_with_the_label(scene: Scene) -> None:
    with Account.open(scene, "Cities") as account:
        writes = Writes(account)
        writes.workflow("Gent", condition={"field": {"key": "city", "is": "Gent"}})
        known = account.contacts(SINGLE)
        account.post(
            "labeling", "/v1/contacts/batch",
            [{"external_id": f"c{number}", "subscription": "subscribed"} for number in range(SINGLE)],
        )  # fmt: skip
        writes.update(known, fields={"city": "Gent"})
        elsewhere = writes.create("elsewhere", subscription="subscribed", fields={"city": "Brugge"})
        gent = writes.create("gent", subscription="subscribed", fields={"city": "Gent"})
        assert writes.wait_for_requests([*known, *gent]) == {*known, *gent}
        assert not set(elsewhere) & writes.contacts_on("workflow.messages")


def test_no_contact_enters_a_segment_temporarily(scene: Scene) -> None:
    with Account.open(scene, "Moments") as account:
        writes = Writes(account)
        criterion = {"all": [{"label": writes.news}, {"not": {"field": {"key": "city", "is": "Gent"}}}]}
        segment = account.post("segmentation", "/v1/segments", {"name": "Not Gent", "criterion": criterion})["id"]
        gent = writes.create("gent", fields={"city": "Gent"})
        known = account.contacts(SINGLE)
        writes.update(known, fields={"city": "Gent"})
        others = writes.create("other", fields={"city": "Brugge"})  # after the others in each partition
        asyncio.run(until(lambda: account.get("segmentation", f"/v1/segments/{segment}")["count"] == len(others)))
        entered = writes.contacts_on("segmentation.memberships")
        assert entered == set(others)
        assert not {*gent, *known} & entered
