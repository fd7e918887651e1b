"""Which criteria a batch can have changed the truth of."""

from services.segmentation.domain.evaluator import name_of
from services.segmentation.domain.slice import CLICKED, Name
from shared.criteria.grammar import Clicked, Criterion, Engaged, FieldCompared, HoldsLabel
from shared.criteria.references import walk

KNOWN: Name = ("known",)


def concerns(criterion: Criterion) -> frozenset[Name]:
    """The names, as in `Touched.about`, without one of which the criterion's truth stays as it is for everybody.

    Every criterion is concerned by who is known; what was inlined counts.
    """
    found: set[Name] = {KNOWN}
    for node in walk(criterion, into_segments=True):
        match node:
            case HoldsLabel(labels):
                found.update(("label", label.int) for label in labels)
            case Clicked(selector):
                found.add(CLICKED if selector == "url_starts_with" else name_of(node))
            case Engaged(kind):
                found.add(("engaged", kind))
            case FieldCompared(key):
                found.add(("field", key))
            case _:
                pass
    return frozenset(found)
