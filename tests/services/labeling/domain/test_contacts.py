"""Changes to a contact, and reports about its subscription."""

from typing import Any

import pytest

from services.labeling.domain.contacts import NEW, changed, subscription_after
from services.labeling.domain.errors import InvalidError
from services.labeling.domain.fields import Field
from shared.events.labeling import Scalar, Subscription

FIELDS = {"city": Field("city", "City", "text")}
ANN = changed(NEW, {"email": "ann@example.com", "external_id": "crm-1", "fields": {"city": "Gent"}}, FIELDS)


def test_null_clears_a_value_and_omitted_values_are_unchanged() -> None:
    after = changed(ANN, {"external_id": None, "fields": {"city": None}, "language": "nl"}, FIELDS)
    assert (after.external_id, after.fields, after.language, after.email) == (None, {}, "nl", "ann@example.com")


def test_a_patch_with_the_current_values_changes_nothing() -> None:
    assert changed(ANN, {"email": "ann@example.com", "fields": {"city": "Gent"}}, FIELDS) == ANN


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({"email": None}, "/email"),
        ({"email": "nobody"}, "/email"),
        ({"fields": {"shoe": 1}}, "/fields/shoe"),
        ({"subscription": "maybe"}, "/subscription"),
        ({"external_id": ""}, "/external_id"),
        ({"nickname": "x"}, "/nickname"),
    ],
)
def test_an_invalid_value_is_rejected_with_a_pointer(patch: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidError) as problem:
        changed(ANN, patch, FIELDS)
    assert problem.value.pointer == pointer


@pytest.mark.parametrize(
    ("before", "kind", "attributes", "after"),
    [
        ("subscribed", "message.bounced", {}, "bounced"),
        ("subscribed", "message.bounced", {"bounce": "soft"}, "subscribed"),
        ("subscribed", "message.unsubscribed", {}, "unsubscribed"),
        ("bounced", "message.unsubscribed", {}, "unsubscribed"),
        ("unsubscribed", "message.bounced", {}, "unsubscribed"),
        ("unsubscribed", "message.complained", {}, "blocked"),
        ("blocked", "message.unsubscribed", {}, "blocked"),
        ("unconfirmed", "message.opened", {}, "unconfirmed"),
    ],
)
def test_a_report_determines_the_next_subscription(
    before: Subscription, kind: str, attributes: dict[str, Scalar], after: Subscription
) -> None:
    assert subscription_after(before, kind, attributes) == after
