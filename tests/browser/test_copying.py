"""A copy in another account means the same there: its references are matched by name."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.plain import Plain
from tests.browser.shop import Shop
from tests.scenarios.scene import Account

HTML = '<p><a href="https://shop.example/dogs">Dogs</a> <a href="https://shop.example/all">All</a></p>'


@pytest.fixture(scope="module")
def accounts(shop: Shop) -> Iterator[tuple[Account, Account]]:
    """Provide two accounts of one person.

    The first has objects of every kind, the second only a label of the same name.
    """
    here, there = (Account.open(shop.account.scene, name) for name in ("Antwerp", "Ghent"))
    with here, there:
        there.labels("dogs")
        here.post("labeling", "/v1/fields", {"key": "city", "name": "City", "type": "text"})
        yield here, there


@pytest.fixture(scope="module")
def person(shop: Shop, accounts: tuple[Account, Account]) -> Iterator[Plain]:
    with Plain.at(shop, *accounts) as plain:
        yield plain


def path_to_copy(account: Account, kind: str, thing_id: str, to: Account) -> str:
    return f"/a/{account.account_id}/copy?kind={kind}&id={thing_id}&to={to.account_id}"


def copied(person: Plain, here: Account, there: Account, kind: str, thing_id: str, name: str) -> str:
    fields = {"kind": kind, "id": thing_id, "to": str(there.account_id), "name": name}
    location = person.post(f"/a/{here.account_id}/copy", fields)
    prefix = f"/a/{there.account_id}/{kind}s/"
    assert location.startswith(prefix)
    return location.removeprefix(prefix)


def named(account: Account, name: str) -> str:
    items: list[dict[str, Any]] = account.get("labeling", "/v1/labels")["items"]
    return next(str(one["id"]) for one in items if one["name"] == name)


def test_a_segment_uses_the_labels_of_the_other_account(person: Plain, accounts: tuple[Account, Account]) -> None:
    here, there = accounts
    dogs, cats = here.labels("Dogs", "Cats")
    criterion = {"all": [{"label": dogs}, {"clicks": {"label": cats}}, {"field": {"key": "city", "is": "Gent"}}]}
    segment = here.post("segmentation", "/v1/segments", {"name": "Both", "criterion": criterion})
    page = person.get(path_to_copy(here, "segment", segment["id"], there))
    assert "It uses things that exist there already, by name: label dogs" in page
    assert "These are missing there. They are copied too: label Cats field City" in page
    made = copied(person, here, there, "segment", segment["id"], "Both")
    found = there.get("segmentation", f"/v1/segments/{made}")["criterion"]["all"]
    assert found[0]["label"]["id"] == named(there, "dogs")
    assert found[1]["clicks"]["label"] == named(there, "Cats")
    assert [one["key"] for one in there.get("labeling", "/v1/fields")["items"]] == ["city"]
    assert "Both (2)" in person.http.get(path_to_copy(here, "segment", segment["id"], there)).text


def test_a_workflow_comes_with_its_message_and_that_with_its_labels(
    person: Plain, accounts: tuple[Account, Account]
) -> None:
    here, there = accounts
    (birds,) = here.labels("Birds")
    message = here.post("tracking", "/v1/messages", {"name": "Guide", "html": HTML, "subject": "Read me"})
    first, second = message["links"]
    here.ask("tracking", "PUT", f"/v1/messages/{message['id']}/link-labels", {first["id"]: [birds]})
    here.ask("tracking", "PATCH", f"/v1/messages/{message['id']}/links/{second['id']}", {"tracking": "never"})
    definition = {
        "name": "Bird lovers",
        "triggers": [{"on": "LabelAssigned", "label": birds}],
        "steps": [{"send": {"message": message["id"]}}, {"wait": {"days": 1}}, {"assign_label": {"label": birds}}],
    }
    workflow = here.post("workflow", "/v1/workflows", definition)
    made = copied(person, here, there, "workflow", workflow["id"], "Bird friends")
    found = there.get("workflow", f"/v1/workflows/{made}")
    assert (found["name"], found["state"]) == ("Bird friends", "draft")
    assert found["triggers"][0]["label"] == named(there, "Birds")
    guide = there.get("tracking", f"/v1/messages/{found['steps'][0]['send']['message']}")
    assert guide["subject"] == "Read me"
    assert [label["name"] for label in guide["links"][0]["labels"]] == ["Birds"]
    assert guide["links"][1]["tracking"] == "never"


def test_what_only_one_account_knows_is_said_and_not_copied(person: Plain, accounts: tuple[Account, Account]) -> None:
    here, there = accounts
    criterion = {"clicks": {"send": "june"}}
    segment = here.post("segmentation", "/v1/segments", {"name": "June", "criterion": criterion})
    path = path_to_copy(here, "segment", segment["id"], there)
    assert '"June" has a condition on one send, which exists only in this account.' in person.get(path)
    fields = {"kind": "segment", "id": segment["id"], "to": str(there.account_id), "name": "June"}
    person.post(f"/a/{here.account_id}/copy", fields, status=422)
    assert "June" not in [one["name"] for one in there.get("segmentation", "/v1/segments")["items"]]


def test_nobody_copies_to_an_account_of_others(person: Plain, shop: Shop, accounts: tuple[Account, Account]) -> None:
    here, _there = accounts
    (fish,) = here.labels("Fish")
    fields = {"kind": "label", "id": fish, "to": "999999", "name": "Fish"}
    person.post(f"/a/{here.account_id}/copy", fields, status=403)
