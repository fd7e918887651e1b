"""Each entry and exit is announced exactly once, whatever happens in between."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from unittest.mock import patch
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from services.segmentation.domain import evaluator
from services.segmentation.domain.account_slice import AccountSlice, Move
from services.segmentation.domain.definitions import Definitions
from services.segmentation.domain.evaluator import Evaluator
from services.segmentation.domain.slice import NONE_MERGED, Name, Slice
from services.segmentation.domain.snapshot_parts import dump_changed, load, write_name
from shared.criteria import (
    Criterion,
    History,
    MergedLabels,
    evaluate,
    inline_segments,
    parse,
    with_merged_labels,
)
from shared.events.envelope import ContactEvent
from shared.events.labeling import ContactChanged
from tests.services.segmentation.domain.one_slice import CONTACTS, FIRST, PARTITIONS
from tests.shared.criteria.strategies import (
    ACCOUNT,
    TODAY,
    ZONE,
    criteria,
    events_of,
    facts_with_merged_labels,
    merges,
)

SEGMENTS = [UUID(int=100 + number) for number in range(3)]
NESTED = parse({"not": {"segment": str(SEGMENTS[0])}})

contacts = st.sampled_from(CONTACTS)
batches = st.lists(events_of(contacts), max_size=12)


@dataclass(frozen=True)
class Broken:
    """An object that the segment names was deleted, or restored."""

    segment_id: UUID


steps = st.lists(
    st.one_of(
        batches,
        batches,
        st.tuples(st.sampled_from(SEGMENTS), st.one_of(st.none(), criteria)),  # a definition; None deletes it
        st.integers(0, 40).map(lambda shift: TODAY + timedelta(days=shift)),  # a day
        st.integers(1, 5),  # drain this many contacts
        st.sampled_from(SEGMENTS).map(Broken),
        merges,
        st.just("restart"),
    ),
    max_size=14,
)


@dataclass
class SliceAndModel:
    """A slice, its model (the plain evaluation), and the members that a consumer derives from the moves."""

    account: AccountSlice = field(
        default_factory=lambda: AccountSlice(ACCOUNT, ZONE, ZONE.key, TODAY, PARTITIONS, FIRST)
    )
    segments: dict[UUID, tuple[str, Criterion]] = field(
        default_factory=lambda: {SEGMENTS[0]: ("first", parse({"clicks": {}})), SEGMENTS[2]: ("nested", NESTED)}
    )
    histories: dict[int, History] = field(
        default_factory=lambda: {contact: History(ZONE, contact) for contact in CONTACTS}
    )
    seen: dict[UUID, set[int]] = field(default_factory=dict)
    kept: dict[Name, bytes] = field(default_factory=dict)
    before: Definitions | None = None
    broken: set[UUID] = field(default_factory=set)
    merged: MergedLabels = NONE_MERGED

    def definitions(self) -> Definitions:
        # The definitions are new, as after a restart, or derived from the previous ones, as after a change.
        broken = {segment_id: "a label was deleted" for segment_id in self.broken if segment_id in self.segments}
        self.before = Definitions(ZONE.key, self.segments, broken, self.before, self.merged)
        return self.before

    def take(self, moves: Iterable[Move]) -> None:
        for move in moves:
            members = self.seen.setdefault(move.segment_id, set())
            assert (move.contact in members) is not move.enters, "announced twice, or left without having entered"
            assert self.before is not None
            assert move.segment_id not in self.before.broken, "a broken segment must not announce moves"
            (members.add if move.enters else members.remove)(move.contact)

    def step(self, step: object) -> None:
        if isinstance(step, tuple):
            segment_id, criterion = step
            if criterion is None and segment_id != SEGMENTS[0]:
                self.segments.pop(segment_id, None)
            elif criterion is not None:
                self.segments[segment_id] = ("any", criterion)
        self._redefine(step)
        self.account.adopt(self.definitions())
        if isinstance(step, date):
            self.account.advance_to(step.toordinal(), self.definitions())
        elif isinstance(step, int):
            self.take(self.account.drain(self.definitions(), step))
        elif isinstance(step, list):
            self.take(self.account.fold(step, self.definitions()))
            for event in step:
                self.histories[event.contact_id].apply(event)
        elif step == "restart":
            self.restart()

    def _redefine(self, step: object) -> None:
        if isinstance(step, Broken):
            self.broken ^= {step.segment_id}
        elif isinstance(step, MergedLabels):
            self.merged = step

    def restart(self) -> None:
        self.kept |= dump_changed(self.account.image)
        self.account.image.changed.clear()
        today = date.fromordinal(self.account.image.day)
        again = AccountSlice(ACCOUNT, ZONE, ZONE.key, today, PARTITIONS, FIRST)
        for part, body in self.kept.items():
            load(again.image, write_name(part), body)
        again.memberships = self.account.memberships
        self.before = None
        self.account = again
        self.account.adopt(self.definitions())

    def expected(self, criterion: Criterion) -> set[int]:
        today = date.fromordinal(self.account.image.day)
        whole = inline_segments(criterion, lambda found: self.segments[found][1])
        resolved = with_merged_labels(whole, self.merged.last)
        return {
            contact // PARTITIONS
            for contact, history in self.histories.items()
            if evaluate(resolved, facts_with_merged_labels(history.facts(), self.merged), today).truth
        }


@settings(max_examples=150, deadline=None)
@given(steps)
def test_moves_alternate_and_add_up_to_the_members(steps: list[object]) -> None:
    pair = SliceAndModel()
    for step in steps:
        pair.step(step)
    pair.broken.clear()
    pair.step(None)
    while pair.account.pending:
        pair.take(pair.account.drain(pair.definitions(), 3))
    for segment_id, (_, criterion) in pair.segments.items():
        assert pair.seen.get(segment_id, set()) == pair.expected(criterion)
    for segment_id in SEGMENTS:
        if segment_id not in pair.segments:
            assert not pair.seen.get(segment_id)


@settings(max_examples=100, deadline=None)
@given(st.lists(batches, max_size=4), criteria)
def test_an_image_loaded_from_snapshot_parts_has_the_same_members(
    batches: list[list[ContactEvent]], criterion: Criterion
) -> None:
    pair = SliceAndModel()
    for batch in batches:
        pair.step(batch)
        pair.kept |= dump_changed(pair.account.image)
        pair.account.image.changed.clear()
    again = Slice(TODAY.toordinal(), PARTITIONS, FIRST)
    for part, body in pair.kept.items():
        load(again, write_name(part), body)
    assert Evaluator(again).members(criterion) == Evaluator(pair.account.image).members(criterion)


def moves_of_step(pair: SliceAndModel, step: object) -> list[tuple[int, bool, str]]:
    found: list[tuple[int, bool, str]] = []

    def take(moves: Iterable[Move]) -> None:
        found.extend((move.contact, move.enters, move.reason) for move in moves if move.segment_id == SEGMENTS[1])

    pair.take = take  # type: ignore[method-assign]
    pair.step(step)
    return found


def test_pending_contacts_are_announced_with_the_reason_definition() -> None:
    pair = SliceAndModel(segments={})
    pair.account.image.known = BitMap([1, 2, 3])
    assert moves_of_step(pair, (SEGMENTS[1], parse({"all": []}))) == []
    assert moves_of_step(pair, [erased(2)]) == []
    assert moves_of_step(pair, 5) == [(1, True, "definition"), (3, True, "definition")]


def erased(index: int) -> ContactEvent:
    return ContactChanged(
        occurred_at=datetime(2026, 3, 30, 10, tzinfo=UTC),
        account_id=ACCOUNT,
        contact_id=index * PARTITIONS + 2,
        external_id=None,
        email=None,
        fields={},
        state="erased",
        subscription="subscribed",
        tracking_consent="unknown",
    )


def test_a_broken_segment_keeps_its_members_until_it_is_mended() -> None:
    pair = SliceAndModel(segments={SEGMENTS[1]: ("news", parse({"not": {"label": str(UUID(int=1))}}))})
    pair.account.image.known = BitMap([1, 2, 3])
    assert moves_of_step(pair, 5) == [(contact, True, "definition") for contact in (1, 2, 3)]
    pair.broken = {SEGMENTS[1]}
    assert moves_of_step(pair, [erased(2)]) == []
    assert moves_of_step(pair, 5) == []
    assert pair.account.memberships[SEGMENTS[1]].broken
    assert not pair.account.pending
    pair.broken = set()
    assert moves_of_step(pair, 5) == [(2, False, "definition")]


def test_a_failed_evaluation_breaks_only_its_own_segment() -> None:
    pair = SliceAndModel(
        segments={SEGMENTS[1]: ("fine", parse({"all": []})), SEGMENTS[2]: ("bad", parse({"clicks": {}}))}
    )
    pair.account.image.known = BitMap([1])
    with patch.object(evaluator, "clicks", side_effect=ZeroDivisionError("bad")):
        assert moves_of_step(pair, 5) == [(1, True, "definition")]
    assert pair.account.failures == {SEGMENTS[2]: "ZeroDivisionError: bad"}
    assert pair.account.memberships[SEGMENTS[2]].broken
