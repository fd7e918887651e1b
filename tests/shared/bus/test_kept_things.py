"""Large catalog objects are stored on disk; only recently used ones are in memory."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from shared.bus.kept_things import MOST_IN_MEMORY, KeptThings
from shared.events.parts import LabelReference
from shared.events.tracking import MessageChanged, MessageLink
from shared.events.workflow import WorkflowChanged
from tests.bench.catalogs import measure

NOW = datetime(2026, 5, 3, 12, tzinfo=UTC)
MOST_FOR_ALL = 1_000  # MB, of 5,000 accounts with 200 messages each; it was 7,000 when all objects were in memory


def message(
    name: str, account_id: int = 1, links: tuple[UUID, ...] = (), message_id: UUID | None = None
) -> MessageChanged:
    return MessageChanged(
        occurred_at=NOW, account_id=account_id, message_id=message_id or uuid4(), message_name=name, revision=1,
        links=tuple(
            MessageLink(
                id=link, number=number, url="https://shop.example/dogs", text="Dogs", trackable=True,
                labels=(LabelReference(id=uuid4(), name="Dogs"),),
            )
            for number, link in enumerate(links, 1)
        ),
    )  # fmt: skip


def test_stored_objects_are_found_unchanged() -> None:
    kept = KeptThings([MessageChanged, WorkflowChanged])
    first, second = message("Spring", links=(uuid4(), uuid4())), message("Summer", account_id=2)
    for one in (first, second):
        kept.keep(one)
    assert kept.find(first.key) == first
    assert kept.find(first.key) is kept.find(first.key), "the second call returns the same object"
    assert kept.of_account(MessageChanged, 1) == [first]
    assert {one.message_id for one in kept.of_account(MessageChanged, None)} == {first.message_id, second.message_id}
    assert kept.of_account(WorkflowChanged, 1) == []


def test_find_returns_the_newest_state_and_none_after_forget() -> None:
    kept = KeptThings([MessageChanged])
    first = message("Spring")
    kept.keep(first)
    assert kept.find(first.key) == first
    second = message("Summer", message_id=first.message_id)
    kept.keep(second)
    assert kept.find(first.key) == second
    kept.forget(first.key)
    assert kept.find(first.key) is None
    kept.forget("message:never there")


def test_a_link_of_an_earlier_revision_still_resolves_to_its_message() -> None:
    kept = KeptThings([MessageChanged])
    removed, remaining = uuid4(), uuid4()
    first = message("Spring", links=(removed, remaining))
    kept.keep(first)
    kept.keep(message("Spring", links=(remaining,), message_id=first.message_id))
    assert kept.message_of(removed) == kept.message_of(remaining) == first.message_id
    assert kept.message_of(uuid4()) is None


def test_only_the_last_used_objects_stay_in_memory() -> None:
    kept = KeptThings([MessageChanged])
    messages = [message(str(number)) for number in range(MOST_IN_MEMORY + 10)]
    for one in messages:
        kept.keep(one)
    assert all(kept.find(one.key) == one for one in messages)
    assert len(kept._recent) == MOST_IN_MEMORY


def test_memory_for_many_accounts_with_many_messages_is_limited() -> None:
    row = measure(share=0.01)[0]
    assert row.unit == "MB"
    assert row.value < MOST_FOR_ALL
