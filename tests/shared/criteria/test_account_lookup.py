"""Look-ups of an account's objects in the catalogs."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

from shared.criteria import AccountLookup, parse
from shared.events.envelope import CatalogEvent
from shared.events.labeling import FieldChanged, LabelChanged, LabelState
from shared.events.tracking import MessageChanged

Thing = TypeVar("Thing", bound=CatalogEvent)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


class Things:
    """A catalog of the given events; each message has one link, with the same id as the message."""

    def __init__(self, things: Mapping[object, CatalogEvent]) -> None:
        self._things = things

    def find(self, model: type[Thing], identity: object) -> Thing | None:
        found = self._things.get(identity)
        return found if isinstance(found, model) else None

    def message_of(self, link_id: UUID) -> UUID | None:
        return link_id if link_id in self._things else None


def label(
    label_id: UUID, state: LabelState = "active", merged_into: UUID | None = None, account: int = 1
) -> LabelChanged:
    return LabelChanged(
        occurred_at=NOW, account_id=account, label_id=label_id, label_name="Dogs", description="", visibility="private",
        state=state, merged_into=merged_into,
    )  # fmt: skip


def lookup(*labels: LabelChanged) -> AccountLookup:
    return AccountLookup(Things({one.label_id: one for one in labels}), 1)


def test_labels_are_known_while_they_are_active_or_hidden() -> None:
    found = lookup(label(ONE), label(TWO, "hidden"), label(THREE, "deleted"))
    assert [found.label(one) for one in (ONE, TWO, THREE, UUID(int=9))] == ["known", "known", "deleted", "unknown"]


def test_labels_of_another_account_are_unknown() -> None:
    assert lookup(label(ONE, account=2)).label(ONE) == "unknown"


def test_a_merged_label_has_the_state_of_the_last_label_of_its_chain() -> None:
    chain = (label(ONE, "merged", TWO), label(TWO, "merged", THREE))
    assert lookup(*chain, label(THREE)).label(ONE) == "known"
    assert lookup(*chain, label(THREE, "deleted")).label(ONE) == "deleted"


def test_labels_that_were_merged_in_a_cycle_are_merged() -> None:
    assert lookup(label(ONE, "merged", TWO), label(TWO, "merged", ONE)).label(ONE) == "merged"


def test_a_link_is_deleted_with_its_message() -> None:
    message = MessageChanged(
        occurred_at=NOW, account_id=1, message_id=ONE, message_name="Guide", revision=1, links=(), state="deleted"
    )
    found = AccountLookup(Things({ONE: message}), 1)
    assert (found.link(ONE), found.link(TWO)) == ("deleted", "unknown")


def test_a_deleted_field_is_not_found() -> None:
    field = FieldChanged(
        occurred_at=NOW, account_id=1, field_key="size", field_name="Size", field_type="choice", choices=("s",)
    )
    deleted = FieldChanged(
        occurred_at=NOW, account_id=1, field_key="city", field_name="City", field_type="text", state="deleted"
    )
    found = AccountLookup(Things({(1, "size"): field, (1, "city"): deleted}), 1)
    assert found.field("size") == ("choice", ("s",))
    assert found.field("city") is None


def test_segments_are_looked_up_with_the_given_function() -> None:
    criterion = parse({"clicks": {}})
    assert AccountLookup(Things({}), 1, {ONE: criterion}.get).segment(ONE) is criterion
    assert AccountLookup(Things({}), 1).segment(ONE) is None
