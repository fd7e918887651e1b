"""The key by which repeated reports are recognized."""

from uuid import UUID, uuid4

from shared.events.dedupe import dedupe_key


def test_the_key_of_a_report_is_its_uuid_or_a_hash_of_its_id() -> None:
    some = uuid4()
    assert dedupe_key(str(some)) == some
    assert dedupe_key("order-17/click-1") == dedupe_key("order-17/click-1") != dedupe_key("order-17/click-2")


def test_the_key_of_an_id_never_changes() -> None:
    """Keys are stored forever: if they changed, reports that are sent again would be counted twice."""
    assert dedupe_key("order-17") == UUID("72a90ea3-da8b-5dd0-1bde-2f27314e02e2")
