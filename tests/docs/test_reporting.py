"""The commands of docs/how-to/report-clicks.md and report-forms-and-surveys.md, as a reader would type them."""

from typing import Any

from tests.docs.conftest import Shop, until
from tests.docs.pages import blocks, run_blocks


def _items_of(shop: Shop, external_id: str, what: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = shop.call("labeling", "GET", f"/v1/contacts/external:{external_id}/{what}")["items"]
    return items


def test_a_reported_click_assigns_the_label_once(shop: Shop) -> None:
    prepared, reported, _ = blocks("how-to/report-clicks.md")
    run_blocks(shop, prepared, reported, reported)
    until(lambda: _items_of(shop, "reported", "labels"))
    (held,) = _items_of(shop, "reported", "labels")
    assert (held["label_name"], held["held"], held["clicks"]) == ("Reported dogs", True, 1)


def test_a_reported_form_is_an_engagement_of_the_contact(shop: Shop) -> None:
    reported, _ = blocks("how-to/report-forms-and-surveys.md")
    run_blocks(shop, reported)
    until(lambda: _items_of(shop, "visitor", "engagements"))
    (engagement,) = _items_of(shop, "visitor", "engagements")
    assert (engagement["kind"], engagement["ref"], engagement["attributes"]) == (
        "form.submitted",
        "contest-spring",
        {"pets": 2},
    )
