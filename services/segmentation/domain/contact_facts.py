"""What a slice knows of one contact, for explaining and for holding it against other evaluations."""

from datetime import date
from uuid import UUID

from services.segmentation.domain.evaluator import clicks, engagements
from services.segmentation.domain.slice import EPOCH, Slice
from services.segmentation.domain.tally import FOREVER, Range
from shared.criteria.grammar import Clicked, Engaged
from shared.events.labeling import Scalar


class SliceFacts:
    """`shared.criteria.Facts` of one contact (an index). Field values are told in the form in which they compare."""

    def __init__(self, target: Slice, contact: int) -> None:
        self.target = target
        self.contact = contact

    @property
    def known(self) -> bool:
        return self.contact in self.target.known

    def label_since(self, label: UUID) -> date | None:
        index = self.target.labels.get(label.int)
        since = index.get(self.contact) if index is not None else None
        return None if since is None else date.fromordinal(since + EPOCH)

    def clicks(self, asked: Clicked, first: date | None, last: date | None) -> int:
        days = _range(first, last)
        return sum(tally.number(days, self.contact) for tally in clicks(self.target, asked))

    def engagements(self, asked: Engaged, first: date | None, last: date | None) -> int:
        days = _range(first, last)
        return sum(tally.number(days, self.contact) for tally in engagements(self.target, asked))

    def value(self, key: str) -> Scalar | None:
        column = self.target.columns.get(key)
        return None if column is None else column.get(self.contact)


def _range(first: date | None, last: date | None) -> Range:
    return first.toordinal() if first else 0, last.toordinal() if last else FOREVER
