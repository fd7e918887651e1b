"""Segments and workflows agree on the facts that labeling publishes for criteria."""

import asyncio
from typing import Any

from tests.scenarios.scene import Account, Scene
from tests.stack.waiting import until, until_equal

CONTACTS = 30


def members(account: Account, segment_id: str) -> set[int]:
    items = account.get("segmentation", f"/v1/segments/{segment_id}/members?limit=1000")["items"]
    return {item["contact_id"] for item in items}


def matching_contacts(account: Account, criterion: dict[str, Any]) -> set[int]:
    """Return the contacts that match a criterion, from all pages."""
    contact_ids: set[int] = set()
    body: dict[str, Any] = {"criterion": criterion, "limit": 7}
    while True:
        page = account.post("segmentation", "/v1/criteria/contacts", body)
        contact_ids |= {item["contact_id"] for item in page["items"]}
        if page["next_cursor"] is None:
            return contact_ids
        body["cursor"] = page["next_cursor"]


def holders(account: Account, label_id: str) -> set[int]:
    items = account.get("labeling", f"/v1/labels/{label_id}/contacts?limit=1000")["items"]
    return {item["contact_id"] for item in items}


def test_segments_and_workflows_agree_on_created_and_sample(scene: Scene) -> None:
    with Account.open(scene, "Created") as account:
        start, chosen = account.labels("Start", "Chosen")
        created_today = {"contact": {"created": {"within_days": 1}}}
        sample = {"sample": {"percent": 40, "seed": "spring"}}
        condition = {"all": [created_today, sample]}
        steps = [{"if": {"criterion": condition, "then": [{"assign_label": {"label": chosen}}]}}]
        definition = {"name": "Choose", "triggers": [{"on": "LabelAssigned", "label": start}], "steps": steps}
        workflow = account.post("workflow", "/v1/workflows", definition)["id"]
        account.post("workflow", f"/v1/workflows/{workflow}/activate")
        segment = account.post("segmentation", "/v1/segments", {"name": "New", "criterion": created_today})["id"]
        contacts = account.contacts(CONTACTS)
        account.request("labeling", "PATCH", f"/v1/contacts/{contacts[0]}", json={"language": "nl"})
        rows = [{"contact_id": contact, "label_id": start, "held": True} for contact in contacts]
        account.post("labeling", "/v1/assignments", rows)

        async def compare() -> None:
            await until_equal(lambda: asyncio.to_thread(members, account, segment), set(contacts))
            sampled = matching_contacts(account, condition)
            assert 0 < len(sampled) < CONTACTS
            assert matching_contacts(account, sample) == sampled
            await until_equal(lambda: asyncio.to_thread(holders, account, chosen), sampled)

        asyncio.run(compare())
        older = {"contact": {"created": {"older_than_days": 1}}}
        assert account.post("segmentation", "/v1/criteria/count", {"criterion": older})["count"] == 0


def test_criteria_of_segments_and_workflows_follow_a_merged_label(scene: Scene) -> None:
    with Account.open(scene, "Merging") as account:
        puppies, dogs, chosen = account.labels("Puppies", "Dogs", "Chosen")
        first, second, third = account.contacts(3)
        for contact, label in ((first, puppies), (second, dogs)):
            account.ask("labeling", "PUT", f"/v1/contacts/{contact}/labels/{label}")
        criterion = {"label": {"id": puppies}}
        segment = account.post("segmentation", "/v1/segments", {"name": "Puppies", "criterion": criterion})["id"]
        steps = [{"if": {"criterion": criterion, "then": [{"assign_label": {"label": chosen}}]}}]
        definition = {"name": "Choose", "triggers": [{"on": "LabelAssigned", "label": puppies}], "steps": steps}
        workflow = account.post("workflow", "/v1/workflows", definition)["id"]
        account.post("workflow", f"/v1/workflows/{workflow}/activate")

        async def merge() -> None:
            await until_equal(lambda: asyncio.to_thread(members, account, segment), {first})
            job = account.post("labeling", f"/v1/labels/{puppies}/merge", {"into": dogs})
            await until_equal(lambda: asyncio.to_thread(members, account, segment), {first, second})
            await until(lambda: account.get("labeling", f"/v1/jobs/{job['id']}")["state"] == "done")
            assert members(account, segment) == {first, second}
            assert not account.get("segmentation", f"/v1/segments/{segment}").get("broken")
            assert not account.get("workflow", f"/v1/workflows/{workflow}")["broken"]
            account.ask("labeling", "PUT", f"/v1/contacts/{third}/labels/{dogs}")
            await until_equal(lambda: asyncio.to_thread(holders, account, chosen), {third})

        asyncio.run(merge())
        [run] = account.get("workflow", f"/v1/workflows/{workflow}/runs?contact_id={third}")["items"]
        asked = account.get("workflow", f"/v1/runs/{run['id']}")["steps"][0]
        assert (asked["saw"]["truth"], asked["saw"]["asked"]) == (True, {"id": puppies}), "not shown as it was written"
        again = account.post("segmentation", "/v1/criteria/count", {"criterion": criterion})
        assert again["count"] == 3
        explained = account.post("segmentation", "/v1/criteria/explain", {"criterion": criterion, "contact_id": first})
        assert (explained["truth"], explained["asked"]) == (True, {"id": puppies})
