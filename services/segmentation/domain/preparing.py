"""Computes the sums that a criterion needs in small steps, before it is evaluated."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from services.segmentation.domain.evaluator import clicks, days_of, engagements
from services.segmentation.domain.interest import clicked_labels
from services.segmentation.domain.questions import (
    CountAudience,
    CountNodes,
    ListMembers,
    Question,
    SamplePage,
)
from services.segmentation.domain.slice import Slice
from services.segmentation.domain.tally import Range, Tally
from shared.criteria.grammar import Clicked, Criterion, Engaged, FieldCompared, HoldsLabel, MoreClicks, TopLabel
from shared.criteria.references import walk


def prepare(target: Slice, criterion: Criterion) -> Iterator[None]:
    """Compute the missing sums, and yield after every few milliseconds.

    Cached sums are kept current, so batches may be folded in between. The evaluation then only compares them.
    """
    for node in walk(criterion, into_segments=True):
        match node:
            case Clicked("url_starts_with", str() as prefix):
                yield from target.prefix(prefix).collect(target.tallies)
                yield from _compute_sums(clicks(target, node), days_of(node.period, target.day))
            case Clicked() | Engaged():
                yield from _compute_sums(_tallies_of_node(target, node), days_of(node.period, target.day))
            case MoreClicks(label, than):
                yield from _compute_sums(_tallies_of_labels(target, (label, than)), days_of(node.period, target.day))
            case TopLabel(label, among):
                days = days_of(node.period, target.day)
                tallies = _tallies_of_labels(target, clicked_labels(target) if among is None else [label, *among])
                yield from _compute_sums(tallies, days)
                for tally in tallies:
                    if days not in tally.last_days:
                        tally.last_day(days, None, keep=True)
                        yield
            case FieldCompared(key, "starts_with"):
                if key in target.columns and target.columns[key].unindexed.pack():
                    yield
            case _:
                pass


def number_of_sums(target: Slice, criterion: Criterion) -> int:
    """Return how many sums may be cached for a criterion."""
    return sum(_sums_of_node(target, node) for node in walk(criterion, into_segments=True))


def _sums_of_node(target: Slice, node: Criterion) -> int:
    if isinstance(node, TopLabel):
        # For every label its sum and its last days.
        return 2 * len(clicked_labels(target) if node.among is None else node.among)
    return isinstance(node, Clicked | Engaged | HoldsLabel | MoreClicks)


def criteria_of(question: Question) -> list[Criterion]:
    """Return the criteria that a question evaluates for all contacts of a slice."""
    match question:
        case CountNodes(asked=criterion) | ListMembers(asked=criterion) | SamplePage(asked=criterion):
            return [criterion.inlined]
        case CountAudience(audience=audience, blocks=blocks):
            variants = [one.asked for block in blocks for one in block.variants if one.asked is not None]
            return [one.inlined for one in (*audience.include, *audience.exclude, *variants)]
        case _:
            return []


def _tallies_of_node(target: Slice, node: Clicked | Engaged) -> Sequence[Tally]:
    if isinstance(node, Engaged):
        return engagements(target, node)
    if node.selector == "label" and isinstance(node.target, UUID):
        return _tallies_of_labels(target, (node.target,))
    return clicks(target, node)


def _tallies_of_labels(target: Slice, labels: Sequence[UUID]) -> list[Tally]:
    """Return the tallies of labels and of labels merged with them."""
    alike = target.merged.all_alike(labels)
    return [tally for label in alike for tally in target.named(("click.label", label.int))]


def _compute_sums(tallies: Sequence[Tally], days: Range) -> Iterator[None]:
    for tally in tallies:
        if days not in tally.sums:
            tally.counted(days, None, keep=True)
            yield
