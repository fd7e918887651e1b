"""Copies in another account: references are matched by name, and missing objects are copied too."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.plain import PlainClient
from tests.browser.shop import Shop
from tests.scenarios.scene import Account

HTML = '<p><a href="https://shop.example/dogs">Dogs</a> <a href="https://shop.example/all">All</a></p>'


@pytest.fixture(scope="module")
def accounts(shop: Shop) -> Iterator[tuple[Account, Account]]:
    """Provide two accounts of one person.

    The first has a field, and the second has a label. The tests add other objects to the first.
    """
    source, target = (Account.open(shop.account.scene, name) for name in ("Antwerp", "Ghent"))
    with source, target:
        target.labels("dogs")
        source.post("labeling", "/v1/fields", {"key": "city", "name": "City", "type": "text"})
        yield source, target


@pytest.fixture(scope="module")
def person(shop: Shop, accounts: tuple[Account, Account]) -> Iterator[PlainClient]:
    with PlainClient.signed_in(shop, *accounts) as client:
        yield client


def path_to_copy(account: Account, kind: str, thing_id: str, to: Account) -> str:
    """Return the path of the page that previews a copy."""
    return f"/a/{account.account_id}/copy?kind={kind}&id={thing_id}&to={to.account_id}"


def copy_to(person: PlainClient, source: Account, target: Account, kind: str, thing_id: str, name: str) -> str:
    """Copy an object to the target account under a new name; return the id of the copy."""
    fields = {"kind": kind, "id": thing_id, "to": str(target.account_id), "name": name}
    location = person.post(f"/a/{source.account_id}/copy", fields)
    prefix = f"/a/{target.account_id}/{kind}s/"
    assert location.startswith(prefix)
    return location.removeprefix(prefix)


def label_id_of(account: Account, name: str) -> str:
    """Return the id of the label with this name."""
    items: list[dict[str, Any]] = account.get("labeling", "/v1/labels")["items"]
    return next(str(one["id"]) for one in items if one["name"] == name)


def test_a_copied_segment_uses_the_labels_of_the_target_account(
    person: PlainClient, accounts: tuple[Account, Account]
) -> None:
    source, target = accounts
    dogs, cats = source.labels("Dogs", "Cats")
    criterion = {"all": [{"label": dogs}, {"clicks": {"label": cats}}, {"field": {"key": "city", "is": "Gent"}}]}
    segment = source.post("segmentation", "/v1/segments", {"name": "Both", "criterion": criterion})
    page = person.get(path_to_copy(source, "segment", segment["id"], target))
    assert "It uses what already exists there under the same name: label dogs" in page
    assert "These are missing there. They are copied too: label Cats field City" in page
    made = copy_to(person, source, target, "segment", segment["id"], "Both")
    found = target.get("segmentation", f"/v1/segments/{made}")["criterion"]["all"]
    assert found[0]["label"]["id"] == label_id_of(target, "dogs")
    assert found[1]["clicks"]["label"] == label_id_of(target, "Cats")
    assert [one["key"] for one in target.get("labeling", "/v1/fields")["items"]] == ["city"]
    assert "Both (2)" in person.http.get(path_to_copy(source, "segment", segment["id"], target)).text


def test_a_workflow_is_copied_with_its_message_and_link_labels(
    person: PlainClient, accounts: tuple[Account, Account]
) -> None:
    source, target = accounts
    (birds,) = source.labels("Birds")
    message = source.post("tracking", "/v1/messages", {"name": "Guide", "html": HTML, "subject": "Read me"})
    first, second = message["links"]
    source.ask("tracking", "PUT", f"/v1/messages/{message['id']}/link-labels", {first["id"]: [birds]})
    source.ask("tracking", "PATCH", f"/v1/messages/{message['id']}/links/{second['id']}", {"tracking": "never"})
    definition = {
        "name": "Bird lovers",
        "triggers": [{"on": "LabelAssigned", "label": birds}],
        "steps": [{"send": {"message": message["id"]}}, {"wait": {"days": 1}}, {"assign_label": {"label": birds}}],
    }
    workflow = source.post("workflow", "/v1/workflows", definition)
    made = copy_to(person, source, target, "workflow", workflow["id"], "Bird friends")
    found = target.get("workflow", f"/v1/workflows/{made}")
    assert (found["name"], found["state"]) == ("Bird friends", "draft")
    assert found["triggers"][0]["label"] == label_id_of(target, "Birds")
    guide = target.get("tracking", f"/v1/messages/{found['steps'][0]['send']['message']}")
    assert guide["subject"] == "Read me"
    assert [label["name"] for label in guide["links"][0]["labels"]] == ["Birds"]
    assert guide["links"][1]["tracking"] == "never"


def test_a_segment_with_a_condition_on_a_send_cannot_be_copied(
    person: PlainClient, accounts: tuple[Account, Account]
) -> None:
    source, target = accounts
    criterion = {"clicks": {"send": "june"}}
    segment = source.post("segmentation", "/v1/segments", {"name": "June", "criterion": criterion})
    path = path_to_copy(source, "segment", segment["id"], target)
    assert '"June" has a condition on one send, which exists only in this account.' in person.get(path)
    fields = {"kind": "segment", "id": segment["id"], "to": str(target.account_id), "name": "June"}
    person.post(f"/a/{source.account_id}/copy", fields, status=422)
    assert "June" not in [one["name"] for one in target.get("segmentation", "/v1/segments")["items"]]


def test_copying_to_an_account_without_access_is_refused(
    person: PlainClient, shop: Shop, accounts: tuple[Account, Account]
) -> None:
    source, _target = accounts
    (fish,) = source.labels("Fish")
    fields = {"kind": "label", "id": fish, "to": "999999", "name": "Fish"}
    person.post(f"/a/{source.account_id}/copy", fields, status=403)
