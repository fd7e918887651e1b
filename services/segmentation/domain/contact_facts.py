"""What a slice knows of one contact, for explaining and for holding it against other evaluations."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from pyroaring import BitMap

from services.segmentation.domain.evaluator import clicks, engagements
from services.segmentation.domain.slice import EPOCH, Slice
from services.segmentation.domain.tally import FOREVER, Range
from shared.criteria import LabelClicks
from shared.criteria.grammar import Attribute, Clicked, Engaged
from shared.events.labeling import Scalar


class SliceFacts:
    """`shared.criteria.Facts` of one contact (an index). Texts are in the form in which they compare."""

    def __init__(self, target: Slice, contact: int) -> None:
        self.target = target
        self.contact = contact

    @property
    def contact_id(self) -> int:
        return self.contact * self.target.partitions + self.target.first_contact

    @property
    def known(self) -> bool:
        return self.contact in self.target.known

    @property
    def created(self) -> date | None:
        day = self.target.created.get(self.contact)
        return None if day is None else date.fromordinal(day)

    def label_since(self, label: UUID) -> date | None:
        index = self.target.labels.get(label.int)
        since = index.get(self.contact) if index is not None else None
        return None if since is None else date.fromordinal(since + EPOCH)

    def refused(self, label: UUID) -> bool:
        return self.contact in self.target.refused.get(label.int, ())

    def clicks(self, asked: Clicked, first: date | None, last: date | None) -> int:
        days = _range(first, last)
        return sum(tally.number(days, self.contact) for tally in clicks(self.target, asked))

    def label_clicks(
        self, labels: tuple[UUID, ...] | None, first: date | None, last: date | None
    ) -> Mapping[UUID, LabelClicks]:
        days, only = _range(first, last), BitMap([self.contact])
        wanted = None if labels is None else {label.int for label in labels}
        found: dict[UUID, LabelClicks] = {}
        for name, tally in self.target.tallies.items():
            label = name[1] if name[0] == "click.label" else None
            if isinstance(label, int) and (wanted is None or label in wanted):
                number = tally.number(days, self.contact)
                if number:
                    last_day = max(day for day, _ in tally.clicked_by_day(days, only))
                    found[UUID(int=label)] = LabelClicks(number, date.fromordinal(last_day))
        return found

    def engagements(self, asked: Engaged, first: date | None, last: date | None) -> int:
        days = _range(first, last)
        return sum(tally.number(days, self.contact) for tally in engagements(self.target, asked))

    def value(self, key: str) -> Scalar | None:
        column = self.target.columns.get(key)
        return None if column is None else column.get(self.contact)

    def attribute(self, name: Attribute) -> str | None:
        column = self.target.attributes.get(name)
        value = None if column is None else column.get(self.contact)
        return None if value is None else str(value)


def _range(first: date | None, last: date | None) -> Range:
    return first.toordinal() if first else 0, last.toordinal() if last else FOREVER
