"""For each object in docs/reference/deleting.md, a refused deletion names the users and a forced one breaks them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.scenarios.scene import Account, Scene
from tests.stack.waiting import wait_until

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "deleting.md"
BLOCK = (
    "<!-- penchant:block hero --><!-- penchant:variant dogs --><p>Dogs</p><!-- penchant:fallback -->"
    "<!-- /penchant:block -->"
)
LINK = '<a href="https://shop.example/dogs">Dogs</a>'

Json = dict[str, Any]


def rows() -> list[list[str]]:
    """Return the cells of all tables of the page."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


USERS = {row[0]: re.findall(r"`(\w+)`", row[1]) for row in rows() if len(row) == 2 and "`" in row[1]}
KINDS = [row[0].strip("`") for row in rows() if len(row) == 3 and row[0].startswith("`")]


@dataclass
class Thing:
    """An object to delete: its service, path and name, a criterion that uses it, and the ids by which others use it."""

    service: str
    path: str
    name: str
    criterion: Json
    label_id: str | None = None
    field_key: str | None = None
    sender_id: str | None = None


def label(account: Account) -> Thing:
    [label_id] = account.labels("Dogs")
    account.ask("labeling", "PATCH", f"/v1/labels/{label_id}", {"visibility": "public"})
    return Thing("labeling", f"/v1/labels/{label_id}", "Dogs", {"label": {"id": label_id}}, label_id=label_id)


def field(account: Account) -> Thing:
    account.post("labeling", "/v1/fields", {"key": "breed", "name": "Breed", "type": "text"})
    criterion = {"field": {"key": "breed", "is": "Beagle"}}
    return Thing("labeling", "/v1/fields/breed", "Breed", criterion, field_key="breed")


def message(account: Account) -> Thing:
    message_id = account.message(LINK)["id"]
    return Thing("tracking", f"/v1/messages/{message_id}", "Newsletter", {"clicks": {"message": message_id}})


def segment(account: Account) -> Thing:
    body = {"name": "Used", "criterion": {"clicks": {"at_least": 2}}}
    segment_id = account.post("segmentation", "/v1/segments", body)["id"]
    return Thing("segmentation", f"/v1/segments/{segment_id}", "Used", {"segment": {"id": segment_id}})


def sender(account: Account) -> Thing:
    made = account.post("tracking", "/v1/senders", {"name": "Shop", "email": "news@shop.example"})
    return Thing("tracking", f"/v1/senders/{made['id']}", "Shop", {}, sender_id=made["id"])


THINGS: dict[str, Callable[[Account], Thing]] = {
    "label": label,
    "field": field,
    "message": message,
    "segment": segment,
    "sender": sender,
}


def used_by_segment(account: Account, thing: Thing) -> tuple[str, Callable[[], object]]:
    body = {"name": "User", "criterion": {"not": thing.criterion}}
    path = f"/v1/segments/{account.post('segmentation', '/v1/segments', body)['id']}"
    return path.rpartition("/")[2], lambda: account.get("segmentation", path).get("broken")


def used_by_workflow(account: Account, thing: Thing) -> tuple[str, Callable[[], object]]:
    definition = {
        "name": "User",
        "triggers": [{"on": "ContactEngaged", "kind": "survey.answered"}],
        "condition": thing.criterion,
        "steps": [{"exit": {}}],
    }
    path = f"/v1/workflows/{account.post('workflow', '/v1/workflows', definition)['id']}"
    return path.rpartition("/")[2], lambda: account.get("workflow", path).get("broken")


def used_by_campaign(account: Account, thing: Thing) -> tuple[str, Callable[[], object]]:
    body = {
        "name": "User",
        "message_id": account.message(LINK, "To send")["id"],
        "audience": {"include": [{"all": []}], "exclude": [thing.criterion]},
    }
    path = f"/v1/campaigns/{account.post('segmentation', '/v1/campaigns', body)['id']}"
    return path.rpartition("/")[2], lambda: account.get("segmentation", path).get("broken")


def used_by_block(account: Account, thing: Thing) -> tuple[str, Callable[[], object]]:
    path = f"/v1/messages/{account.message(BLOCK, 'With a block')['id']}"
    variants = {"variants": [{"variant": "dogs", "criterion": thing.criterion}]}
    account.ask("tracking", "PUT", f"{path}/blocks/hero", variants)

    def broken() -> object:
        [block] = [one for one in account.get("tracking", path)["blocks"] if one["block"] == "hero"]
        return block["variants"][0].get("broken")

    return f"{path.rpartition('/')[2]}/hero", broken


def used_by_link(account: Account, thing: Thing) -> tuple[str, Callable[[], object]]:
    made = account.message(LINK, "With a link")
    [link] = made["links"]
    links = f"/v1/messages/{made['id']}/links"
    account.ask("tracking", "PUT", f"{links}/{link['id']}/labels", {"label_ids": [thing.label_id]})
    return link["id"], lambda: account.get("tracking", links)["items"][0]["labels"][0].get("broken")


def used_by_form(account: Account, thing: Thing) -> tuple[str, Callable[[], object]]:
    body = {
        "name": "User",
        "fields": [key for key in [thing.field_key] if key],
        "labels": [label_id for label_id in [thing.label_id] if label_id],
    }
    form_id = account.post("labeling", "/v1/forms", body)["id"]

    def has_it() -> bool:
        page = httpx.get(f"{account.scene.url('labeling')}/f/{form_id}", timeout=30)
        assert page.is_success, page.text
        return thing.name in page.text

    assert has_it()
    return form_id, lambda: not has_it()


def used_by_message(account: Account, thing: Thing) -> tuple[str, Callable[[], object]]:
    body = {"name": "User", "html": LINK, "sender_id": thing.sender_id}
    path = f"/v1/messages/{account.post('tracking', '/v1/messages', body)['id']}"

    def warned() -> bool:
        return "no_sender" in [warning["code"] for warning in account.get("tracking", f"{path}/check")["warnings"]]

    return path.rpartition("/")[2], warned


USES: dict[str, Callable[[Account, Thing], tuple[str, Callable[[], object]]]] = {
    "link": used_by_link,
    "segment": used_by_segment,
    "workflow": used_by_workflow,
    "campaign": used_by_campaign,
    "block": used_by_block,
    "form": used_by_form,
    "message": used_by_message,
}


def test_the_page_lists_exactly_the_tested_objects_and_users() -> None:
    assert USERS.keys() == THINGS.keys()
    assert {kind for kinds in USERS.values() for kind in kinds} == set(KINDS) == USES.keys()


@pytest.mark.parametrize("what", USERS)
def test_a_refused_deletion_names_all_users_and_a_forced_one_breaks_them(scene: Scene, what: str) -> None:
    with Account.open(scene, f"Deleting a {what}") as account:
        thing = THINGS[what](account)
        users: dict[tuple[str, str], Callable[[], object]] = {}
        for kind in USERS[what]:
            user_id, is_broken = USES[kind](account, thing)
            users[kind, user_id] = is_broken
            refused = account.request(thing.service, "DELETE", thing.path)
            assert refused.status_code == 409, refused.text
            found = refused.json()["uses"]
            assert {(one["kind"], one["id"]) for one in found} == users.keys(), kind
            assert all(one["name"] for one in found)
        for kind, user_id in users:
            assert kind == "form" or not users[kind, user_id](), "a user is broken before the deletion"
        if what in ("label", "segment"):
            listed = account.get(thing.service, f"{thing.path}/uses")["items"]
            assert listed == found, "the list of uses differs from the refused deletion"

        forced = account.request(thing.service, "DELETE", f"{thing.path}?force=true")
        assert forced.is_success, forced.text
        for (kind, _), is_broken in users.items():
            assert wait_until(is_broken), kind


@pytest.mark.parametrize("what", USERS)
def test_an_unused_object_is_deleted_without_force(scene: Scene, what: str) -> None:
    with Account.open(scene, f"Deleting an unused {what}") as account:
        thing = THINGS[what](account)
        deleted = account.request(thing.service, "DELETE", thing.path)
        assert deleted.is_success, deleted.text
