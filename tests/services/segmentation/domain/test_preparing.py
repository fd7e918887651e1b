"""Sums are computed before a criterion is answered, and the answer computes no further ones."""

from hypothesis import given, settings

from services.segmentation.domain.evaluator import Evaluator
from services.segmentation.domain.folding import Days, fold
from services.segmentation.domain.preparing import prepare
from services.segmentation.domain.slice import Name, Slice
from services.segmentation.domain.tally import Range
from shared.criteria import Criterion, MergedLabels
from shared.events.envelope import ContactEvent
from tests.services.segmentation.domain.one_slice import FIRST, PARTITIONS, histories
from tests.shared.criteria.strategies import TODAY, ZONE, criteria, merges


@settings(max_examples=100, deadline=None)
@given(criteria, histories, histories, merges)
def test_a_prepared_criterion_is_answered_from_cached_sums(
    criterion: Criterion, events: list[ContactEvent], more: list[ContactEvent], merged: MergedLabels
) -> None:
    prepared, plain = (Slice(TODAY.toordinal(), PARTITIONS, FIRST) for _ in range(2))
    for image in (prepared, plain):
        image.merged = merged
        fold(image, events, Days(ZONE), PARTITIONS)
    for turn, _ in enumerate(prepare(prepared, criterion)):
        if turn == 0:
            # Between two sums another task may fold a batch.
            fold(prepared, more, Days(ZONE), PARTITIONS)
            fold(plain, more, Days(ZONE), PARTITIONS)
    list(prepare(prepared, criterion))
    kept = sums_of(prepared)
    assert Evaluator(prepared, keep=True).members(criterion) == Evaluator(plain).members(criterion)
    assert sums_of(prepared) == kept


def sums_of(image: Slice) -> dict[Name, tuple[set[Range], set[Range]]]:
    # A link with several merged labels is rare: its sum is computed with the answer.
    tallies = {name: tally for name, tally in image.tallies.items() if name[0] != "click.labels"}
    return {name: (set(tally.sums), set(tally.last_days)) for name, tally in tallies.items()}
