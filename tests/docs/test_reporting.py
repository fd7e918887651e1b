"""The commands of docs/how-to/report-clicks.md and report-forms-and-surveys.md, as a reader would type them."""

from typing import Any

from tests.docs.conftest import Shop, until
from tests.docs.pages import blocks, typed


def _of(shop: Shop, external_id: str, what: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = shop.call("labeling", "GET", f"/v1/contacts/external:{external_id}/{what}")["items"]
    return items


def test_a_reported_click_gives_the_label_once(shop: Shop) -> None:
    prepared, reported, _ = blocks("how-to/report-clicks.md")
    typed(shop, prepared, reported, reported)
    until(lambda: _of(shop, "reported", "labels"))
    (held,) = _of(shop, "reported", "labels")
    assert (held["label_name"], held["held"], held["clicks"]) == ("Reported dogs", True, 1)


def test_a_reported_form_is_in_the_list_of_the_contact(shop: Shop) -> None:
    reported, _ = blocks("how-to/report-forms-and-surveys.md")
    typed(shop, reported)
    until(lambda: _of(shop, "visitor", "engagements"))
    (engagement,) = _of(shop, "visitor", "engagements")
    assert (engagement["kind"], engagement["ref"], engagement["attributes"]) == (
        "form.submitted",
        "contest-spring",
        {"pets": 2},
    )
