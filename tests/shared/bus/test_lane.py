"""A lane orders the records of several topics so that causes come first."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.checkpoints import Checkpoint
from shared.bus.lane import Lane, Queue
from shared.bus.record import PartitionId
from shared.metrics import RECORDS_DROPPED, RECORDS_REPEATED

CLICKS, LABELS, CONTACTS, INTAKE = (PartitionId(topic, 0) for topic in ("clicks", "labels", "contacts", "intake"))


class Catalogs:
    """The sequence up to which each followed catalog has been read."""

    def __init__(self, **read: int) -> None:
        self.read = read

    def sequence(self, topic: str) -> int | None:
        return self.read.get(topic)


@dataclass(frozen=True)
class FakeRecord:
    """The attributes of a record that a lane reads."""

    topic: str
    offset: int
    sequence: int
    after: str = ""
    partition: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.headers.append(("ce_sequence", b"%020d" % self.sequence))
        if self.after:
            self.headers.append(("ce_after", self.after.encode()))


def lane(*parts: PartitionId, aligned: bool = True) -> Lane:
    return Lane({part: Queue(0, 0, 0) for part in parts}, aligned)


def order(records: object) -> list[tuple[str, int]]:
    return [(topic, record.sequence) for topic, record, _ in records]  # type: ignore[attr-defined]


def test_repeated_records_are_skipped_and_counted() -> None:
    repeated = RECORDS_REPEATED.labels("clicks")
    before = repeated._value.get()
    given_lane = lane(CLICKS)
    given_lane.push(CLICKS, [FakeRecord("clicks", 0, 1), FakeRecord("clicks", 1, 2), FakeRecord("clicks", 2, 1)])
    assert order(given_lane.take(10).records) == [("clicks", 1), ("clicks", 2)]
    assert repeated._value.get() == before + 1


def test_a_record_waits_for_its_causes() -> None:
    given_lane = lane(LABELS, CLICKS)
    given_lane.push(LABELS, [FakeRecord("labels", 0, 1, after="clicks=7")])
    assert given_lane.take(10).records == []
    assert given_lane.waits_for() == {CLICKS}
    given_lane.push(CLICKS, [FakeRecord("clicks", 0, 6), FakeRecord("clicks", 1, 7)])
    assert order(given_lane.take(10).records) == [("clicks", 6), ("clicks", 7), ("labels", 1)]
    assert given_lane.waits_for() == set()


def test_causes_on_topics_that_the_consumer_does_not_read_are_ignored() -> None:
    given_lane = lane(LABELS, CLICKS)
    given_lane.push(LABELS, [FakeRecord("labels", 0, 1, after="contacts=99")])
    assert order(given_lane.take(10).records) == [("labels", 1)]


def test_a_release_applies_to_one_take_only() -> None:
    given_lane = lane(LABELS, CLICKS)
    given_lane.push(LABELS, [FakeRecord("labels", 0, 1, after="clicks=7")])
    given_lane.release([CLICKS])
    assert order(given_lane.take(10).records) == [("labels", 1)]
    given_lane.push(LABELS, [FakeRecord("labels", 1, 2, after="clicks=8")])
    assert given_lane.take(10).records == []


def test_repeated_records_are_skipped_and_advance_the_checkpoint() -> None:
    given_lane = lane(CLICKS)
    given_lane.push(CLICKS, [FakeRecord("clicks", offset, sequence) for offset, sequence in enumerate([1, 2, 1, 2])])
    taken = given_lane.take(10)
    assert order(taken.records) == [("clicks", 1), ("clicks", 2)]
    assert taken.moved == {CLICKS: Checkpoint(4, 2)}
    assert taken.sequences == {"clicks": 2}


def test_a_take_of_only_repeated_records_advances_the_offset() -> None:
    given_lane = Lane({CLICKS: Queue(5, 5, 9)}, aligned=True)
    given_lane.push(CLICKS, [FakeRecord("clicks", 5, 8)])
    taken = given_lane.take(10)
    assert taken.records == []
    assert taken.moved == {CLICKS: Checkpoint(6, 9)}


def test_repeated_records_count_towards_the_limit_of_a_take() -> None:
    given_lane = Lane({CLICKS: Queue(0, 0, 5), LABELS: Queue(0, 0, 5)}, aligned=True)
    given_lane.push(CLICKS, [FakeRecord("clicks", offset, 5) for offset in range(3)])
    given_lane.push(LABELS, [FakeRecord("labels", 0, 5), FakeRecord("labels", 1, 6)])
    first, second, third = (given_lane.take(2) for _ in range(3))
    assert (first.records, first.moved) == ([], {CLICKS: Checkpoint(2, 5)})
    assert (second.records, second.moved) == ([], {CLICKS: Checkpoint(3, 5), LABELS: Checkpoint(1, 5)})
    assert order(third.records) == [("labels", 6)]


def test_overlapping_fetches_add_each_record_once() -> None:
    given_lane = lane(CLICKS)
    given_lane.push(CLICKS, [FakeRecord("clicks", offset, offset + 1) for offset in range(4)])
    given_lane.push(CLICKS, [FakeRecord("clicks", offset, offset + 1) for offset in range(2, 6)])
    assert order(given_lane.take(10).records) == [("clicks", sequence) for sequence in range(1, 7)]


def test_records_of_a_failed_transaction_come_first_again() -> None:
    given_lane = lane(LABELS, CLICKS)
    given_lane.push(CLICKS, [FakeRecord("clicks", 0, 1), FakeRecord("clicks", 1, 2)])
    given_lane.push(LABELS, [FakeRecord("labels", 0, 3, after="clicks=2")])
    checkpoints = {CLICKS: Checkpoint(0, 0), LABELS: Checkpoint(0, 0)}
    taken = given_lane.take(10)
    given_lane.put_back(taken, checkpoints)
    assert given_lane.is_at(checkpoints)
    assert order(given_lane.take(10).records) == order(taken.records)


def test_intake_records_without_a_sequence_are_all_taken() -> None:
    given_lane = lane(INTAKE, aligned=False)
    given_lane.push(INTAKE, [FakeRecord("intake", offset, 0) for offset in range(3)])
    assert len(given_lane.take(10).records) == 3


def test_partitions_of_an_intake_topic_take_turns() -> None:
    busy, quiet = PartitionId("intake", 0), PartitionId("intake", 2)
    given_lane = lane(busy, quiet, aligned=False)
    given_lane.push(busy, [FakeRecord("intake", offset, 0) for offset in range(9)])
    given_lane.push(quiet, [FakeRecord("intake", 0, 0, partition=2)])
    assert given_lane.take(4).moved == {busy: Checkpoint(4, 0)}
    taken = given_lane.take(4)
    assert taken.moved == {quiet: Checkpoint(1, 0), busy: Checkpoint(7, 0)}
    given_lane.put_back(taken, {busy: Checkpoint(4, 0), quiet: Checkpoint(0, 0)})
    assert (given_lane.size(busy), given_lane.size(quiet)) == (5, 1)


def test_every_take_follows_the_topic_order_of_the_consumer() -> None:
    given_lane = lane(LABELS, CLICKS)
    for offset in range(2):
        given_lane.push(CLICKS, [FakeRecord("clicks", offset, offset + 1)])
        given_lane.push(LABELS, [FakeRecord("labels", offset, offset + 1)])
        assert order(given_lane.take(10).records) == [("labels", offset + 1), ("clicks", offset + 1)]


def test_a_head_beyond_an_awaited_sequence_is_taken_first() -> None:
    """Compaction has removed contacts=40, and contacts=60 waits for labels=55, which is queued behind labels=50."""
    given_lane = lane(LABELS, CONTACTS)
    given_lane.push(LABELS, [FakeRecord("labels", 0, 50, after="contacts=40"), FakeRecord("labels", 1, 55)])
    given_lane.push(CONTACTS, [FakeRecord("contacts", 9, 60, after="labels=55")])
    assert order(given_lane.take(10).records) == [("contacts", 60), ("labels", 50), ("labels", 55)]


def test_a_head_beyond_an_awaited_sequence_does_not_wait_for_a_third_topic() -> None:
    given_lane = lane(LABELS, CONTACTS, CLICKS)
    given_lane.push(LABELS, [FakeRecord("labels", 0, 50, after="contacts=40")])
    given_lane.push(CONTACTS, [FakeRecord("contacts", 9, 60, after="clicks=55")])
    assert order(given_lane.take(10).records) == [("contacts", 60), ("labels", 50)]


def test_a_waiting_head_is_taken_only_if_no_other_record_can_be() -> None:
    given_lane = lane(LABELS, CONTACTS, CLICKS)
    given_lane.push(LABELS, [FakeRecord("labels", 0, 50, after="contacts=40")])
    given_lane.push(CONTACTS, [FakeRecord("contacts", 9, 60, after="clicks=55")])
    given_lane.push(CLICKS, [FakeRecord("clicks", 0, 55)])
    assert order(given_lane.take(10).records) == [("clicks", 55), ("contacts", 60), ("labels", 50)]


def test_a_record_waits_until_the_catalog_is_read_to_the_named_sequence() -> None:
    catalogs = Catalogs(catalog=6)
    given_lane = Lane({LABELS: Queue(0, 0, 0)}, aligned=True, catalogs=catalogs)
    given_lane.push(LABELS, [FakeRecord("labels", 0, 8, after="catalog=7,other.catalog=99")])
    assert given_lane.take(10).records == []
    assert given_lane.waits_for() == {PartitionId("catalog", 0)}
    catalogs.read["catalog"] = 7
    assert order(given_lane.take(10).records) == [("labels", 8)]


def test_no_record_waits_for_a_catalog_that_was_read_to_its_end() -> None:
    given_lane = Lane({LABELS: Queue(0, 0, 0)}, aligned=True, catalogs=Catalogs(catalog=6))
    given_lane.push(LABELS, [FakeRecord("labels", 0, 8, after="catalog=7")])
    given_lane.release(given_lane.waits_for())
    assert order(given_lane.take(10).records) == [("labels", 8)]


@pytest.mark.parametrize("forged", [2**62, 10**15, 5 * 10**12])
def test_a_forged_sequence_is_refused_and_later_records_are_taken(forged: int) -> None:
    given_lane = Lane({CLICKS: Queue(0, 0, 5)}, aligned=True)
    given_lane.push(CLICKS, [FakeRecord("clicks", 0, 6), FakeRecord("clicks", 1, forged), FakeRecord("clicks", 2, 7)])
    before = _refused()
    taken = given_lane.take(10)
    assert order(taken.records) == [("clicks", 6), ("clicks", 7)]
    assert taken.moved == {CLICKS: Checkpoint(3, 7)}
    assert _refused() == before + 1


def _refused() -> float:
    value: float = RECORDS_DROPPED.labels("clicks", "sequence")._value.get()
    return value


@given(
    history=st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40),
    kept=st.data(),
)
def test_all_records_are_taken_whatever_compaction_has_removed(
    history: list[tuple[str, bool]], kept: st.DataObject
) -> None:
    """Each record may name the last records of other topics; compaction may remove any but a topic's last one."""
    last = dict.fromkeys("abc", 0)
    records: dict[str, list[FakeRecord]] = {topic: [] for topic in "abc"}
    for sequence, (topic, names_causes) in enumerate(history, 1):
        after = (
            ",".join(f"{other}={last[other]}" for other in "abc" if other != topic and last[other])
            if names_causes
            else ""
        )
        records[topic].append(FakeRecord(topic, len(records[topic]), sequence, after))
        last[topic] = sequence
    given_lane, left = lane(*(PartitionId(topic, 0) for topic in "abc")), 0
    for topic, records_of_topic in records.items():
        for record in records_of_topic:
            if record is records_of_topic[-1] or kept.draw(st.booleans()):
                given_lane.push(PartitionId(topic, 0), [record])
                left += 1
    assert len(given_lane.take(1000).records) == left


@given(
    history=st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40),
    arrival=st.randoms(use_true_random=False),
    most=st.integers(1, 7),
)
def test_every_record_is_taken_once_and_after_its_causes_in_any_order_of_arrival(
    history: list[tuple[str, bool]], arrival: object, most: int
) -> None:
    """The history spans three topics; each record may name the last records of the other topics."""
    last = dict.fromkeys("abc", 0)
    queues: dict[str, list[FakeRecord]] = {topic: [] for topic in "abc"}
    for sequence, (topic, names_causes) in enumerate(history, 1):
        after = (
            ",".join(f"{other}={last[other]}" for other in "abc" if other != topic and last[other])
            if names_causes
            else ""
        )
        queues[topic].append(FakeRecord(topic, len(queues[topic]), sequence, after))
        last[topic] = sequence
    given_lane, seen = lane(*(PartitionId(topic, 0) for topic in "abc")), dict.fromkeys("abc", 0)
    pending = [topic for topic, records in queues.items() for _ in records]
    arrival.shuffle(pending)  # type: ignore[attr-defined]
    arrived = dict.fromkeys("abc", 0)
    got = 0
    for topic in pending:
        given_lane.push(PartitionId(topic, 0), [queues[topic][arrived[topic]]])
        arrived[topic] += 1
        while taken := given_lane.take(most).records:
            for found, record, _ in taken:
                assert isinstance(record, FakeRecord)
                assert record.sequence > seen[found]
                for cause in filter(None, record.after.split(",")):
                    other, _, needed = cause.partition("=")
                    assert seen[other] >= int(needed)
                seen[found] = record.sequence
                got += 1
    assert got == len(history)
