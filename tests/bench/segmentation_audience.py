"""Audiences, content, comparisons of interest and long lists, on the image of a million contacts."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from time import perf_counter

from pyroaring import BitMap

from services.segmentation.domain.account_slice import AccountSlice
from services.segmentation.domain.audience import Audience, count_parts, decide_for_many, select
from services.segmentation.domain.column import Column
from services.segmentation.domain.contact_facts import SliceFacts
from services.segmentation.domain.evaluator import Evaluator
from shared.criteria import Criterion, evaluate, parse
from shared.criteria.content import Block, Variant, decide_content
from tests.bench.figure import Figure
from tests.bench.segmentation_image import LABELS, TODAY, count, label_id

REPETITIONS = 5
DECIDED_ONE_BY_ONE = 300


def give_attributes(slices: Sequence[AccountSlice]) -> None:
    """Give every contact a subscription and a unique text."""
    for number, account in enumerate(slices):
        known = list(account.image.known)
        subscription = account.image.attributes["subscription"] = Column()
        subscription.put({index: "unsubscribed" if index % 20 == 0 else "subscribed" for index in known})
        nick = account.image.columns["nick"] = Column()
        nick.put({index: f"nick {number} {index}" for index in known})


def clicks(number: int, least: int = 1, days: int = 90) -> Criterion:
    """Return a criterion on clicks on a label."""
    return parse({"clicks": {"label": str(label_id(number)), "at_least": least, "within_days": days}})


def blocks() -> list[Block]:
    """Return five blocks of three variants."""
    return [
        Block(f"b{block}", tuple(Variant(f"v{one}", clicks(block * 3 + one, 2, 60)) for one in range(3)))
        for block in range(5)
    ]


def _best_time(action: Callable[[], object]) -> float:
    times = []
    for _ in range(REPETITIONS):
        started = perf_counter()
        action()
        times.append((perf_counter() - started) * 1000)
    return min(times)


BLOCKS = blocks()


def _audience(slices: Sequence[AccountSlice], audience: Audience, *, keep: bool) -> int:
    total = 0
    for account in slices:
        evaluator = Evaluator(account.image, keep=keep)
        selection = select(evaluator, audience)
        count_parts(evaluator, audience)
        decide_for_many(evaluator, BLOCKS[:1], selection.audience)
        total += len(selection.audience)
    return total


def _decide(slices: Sequence[AccountSlice]) -> None:
    for account in slices:
        decide_for_many(Evaluator(account.image, keep=True), BLOCKS, account.image.known)


def _is_true(facts: SliceFacts, criterion: Criterion) -> bool:
    return evaluate(criterion, facts, date.fromordinal(TODAY)).truth


def _decide_one_by_one(account: AccountSlice) -> float:
    """Decide for one contact after the other; return contacts a second."""
    some = list(BitMap(account.image.known[:DECIDED_ONE_BY_ONE]))
    started = perf_counter()
    for index in some:
        decide_content(BLOCKS, partial(_is_true, SliceFacts(account.image, index)))
    return len(some) / (perf_counter() - started)


def audience_rows(slices: Sequence[AccountSlice], contacts: int) -> list[Figure]:
    """Return all rows. The slices are given attributes first."""
    give_attributes(slices)
    city = parse({"field": {"key": "city", "is": "city 1"}})
    contest = parse({"engaged": {"kind": "form.submitted", "ref": "contest"}})
    audience = Audience([clicks(0, 3), clicks(1, 2), city], [contest], 10, "bench")
    first = _best_time(lambda: _audience(slices, audience, keep=False))
    again = _best_time(lambda: _audience(slices, audience, keep=True))
    decided = _best_time(lambda: _decide(slices))
    among = [str(label_id(number)) for number in range(LABELS)]
    top = parse({"top_label": {"id": str(label_id(1)), "among": among, "within_days": 90}})
    count(slices, top, keep=True)
    topped = _best_time(lambda: count(slices, top, keep=True))
    thousand = [f"nick {number % 12} {number * 7 + 1}" for number in range(1000)]
    listed = _best_time(lambda: count(slices, parse({"field": {"key": "nick", "in": thousand}})))
    return [
        Figure("segmentation: audience of four parts with variants, 1M contacts, asked first", first, "ms", goal=30,
            better="lower"),
        Figure("segmentation: the same audience, asked again", again, "ms", goal=5, better="lower"),
        Figure("segmentation: content of 5 blocks of 3 variants", contacts / (decided / 1000), "contacts/s",
            goal=1_000_000, baseline=_decide_one_by_one(slices[0]), baseline_of="per-contact evaluation"),
        Figure("segmentation: top_label among 20 labels, 1M contacts", topped, "ms", goal=50, better="lower"),
        Figure("segmentation: in with 1,000 values, a distinct text each, 1M contacts", listed, "ms", goal=100,
            better="lower"),
    ]  # fmt: skip
