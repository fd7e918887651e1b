"""The most expensive criteria that are allowed, on the image of a million contacts."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from services.segmentation.domain.account_slice import AccountSlice
from services.segmentation.domain.evaluator import Evaluator
from services.segmentation.domain.preparing import prepare
from shared.criteria import Criterion, parse
from shared.criteria.cost import MOST_COST, cost_of
from tests.bench.figure import Figure
from tests.bench.segmentation_image import LABELS, label_id

IDS = [str(label_id(number)) for number in range(LABELS)]
REPETITIONS = 5


def _most_expensive() -> dict[str, Criterion]:
    """Return, for each expensive kind, as many nodes as a criterion may have, each with a different window or value."""
    kinds: dict[str, list[dict[str, Any]]] = {
        "top_label": [{"top_label": {"id": IDS[n], "within_days": 300 + n}} for n in range(4)],
        "url_starts_with": [
            {"clicks": {"url_starts_with": "https://shop"[: 5 + n], "at_least": 3, "within_days": 366 - n}}
            for n in range(8)
        ],
        "starts_with": [{"field": {"key": "nick", "starts_with": f"nick {n}"}} for n in range(4)],
        "in": [{"field": {"key": "nick", "in": [f"nick {n} {m}" for m in range(1000)]}} for n in range(2)],
        "sample": [{"sample": {"percent": 10, "seed": f"seed {n}"}} for n in range(12)],
        "more_clicks": [
            {"more_clicks": {"label": IDS[n % 20], "than": IDS[(n + 1) % 20], "within_days": 366 - n}}
            for n in range(98)
        ],
        "clicks": [{"clicks": {"label": IDS[n % 20], "at_least": 2, "within_days": 366 - n}} for n in range(98)],
    }
    criteria = {kind: parse({"any": parts}) for kind, parts in kinds.items()}
    assert all(cost_of(criterion) <= MOST_COST for criterion in criteria.values())
    return criteria


def _preparation_times(slices: Sequence[AccountSlice], criterion: Criterion) -> tuple[float, float]:
    """Compute the sums of a criterion; return the duration, and that of the longest step (seconds)."""
    began = before = perf_counter()
    longest = 0.0
    for account in slices:
        for _ in prepare(account.image, criterion):
            now = perf_counter()
            longest, before = max(longest, now - before), now
    return perf_counter() - began, longest


def _count_times(slices: Sequence[AccountSlice], criterion: Criterion) -> tuple[float, float]:
    """Count a prepared criterion; return the duration, and that of the longest slice (seconds)."""
    times = []
    for account in slices:
        began = perf_counter()
        Evaluator(account.image, keep=True).members(criterion)
        times.append(perf_counter() - began)
    return sum(times), max(times)


def criteria_rows(slices: Sequence[AccountSlice]) -> list[Figure]:
    """Return the slowest criterion, and the longest time for which others are blocked. The slices have attributes."""
    criteria = _most_expensive()
    prepared = {kind: _preparation_times(slices, criterion) for kind, criterion in criteria.items()}
    answered = {
        kind: min(_count_times(slices, criterion) for _ in range(REPETITIONS)) for kind, criterion in criteria.items()
    }
    kind, (slowest, _) = max(answered.items(), key=lambda found: found[1])
    held = max(longest for _, longest in (*prepared.values(), *answered.values()))
    first, _ = max(prepared.values())
    return [
        Figure(f"segmentation: the most expensive criterion allowed ({kind}), 1M contacts, asked again", slowest * 1000,
            "ms", goal=250, better="lower"),
        Figure("segmentation: sums made before the first answer to the slowest of them", first * 1000, "ms",
            better="lower"),
        Figure("segmentation: longest hold of the event loop by any of them", held * 1000, "ms", goal=50,
            better="lower"),
    ]  # fmt: skip
