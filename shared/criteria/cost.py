"""Estimates how long a criterion takes to count, so that a criterion that takes too long can be refused."""

from shared.criteria.grammar import Clicked, Criterion, Engaged, FieldCompared, MoreClicks, Sampled, TopLabel
from shared.criteria.references import walk

MOST_COST = 250
TOO_EXPENSIVE = (
    "it takes too long to count: use fewer of top_label, url_starts_with, starts_with, sample, and in with many values"
)


def cost_of(criterion: Criterion) -> int:
    """Return roughly how many milliseconds a repeated count takes, for a million contacts with 20 labels.

    Segments that were inlined count. Measured: see `python -m tests.bench segmentation`.
    """
    return round(sum(map(_cost_of_node, walk(criterion, into_segments=True))))


def _cost_of_node(node: Criterion) -> float:
    match node:
        case TopLabel():
            return 60
        case Clicked("url_starts_with"):
            return 30  # the clicks of thousands of links are summed first
        case FieldCompared(operator="starts_with"):
            return 60  # every text is compared if all texts are distinct
        case FieldCompared(operator="in", operand=tuple() as values):
            return 1 + len(values) / 10
        case Sampled():
            return 20
        case MoreClicks():
            return 2
        case Clicked() | Engaged():
            return 1
        case _:
            return 0.5
