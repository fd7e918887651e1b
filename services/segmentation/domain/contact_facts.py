"""The facts of one contact in a slice, to explain a criterion and to compare evaluations."""

from collections.abc import Iterator, Mapping
from datetime import date
from uuid import UUID

from pyroaring import BitMap

from services.segmentation.domain.evaluator import clicks, engagements
from services.segmentation.domain.interest import label_planes, refusing
from services.segmentation.domain.planes import number_of
from services.segmentation.domain.slice import EPOCH, Slice
from services.segmentation.domain.tally import FOREVER, Range, Tally
from shared.criteria import LabelClicks
from shared.criteria.grammar import Attribute, Clicked, Engaged
from shared.events.labeling import Scalar


class SliceFacts:
    """`shared.criteria.Facts` of one contact (an index).

    Texts are in the form for comparison. Facts about merged labels are resolved to the last label, which criteria must
    name: see `with_merged_labels`.
    """

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
        indexes = [self.target.labels.get(alike.int) for alike in self.target.merged.alike(label)]
        days = [index.get(self.contact) for index in indexes if index is not None]
        since = min((day for day in days if day is not None), default=None)
        return None if since is None else date.fromordinal(since + EPOCH)

    def refused(self, label: UUID) -> bool:
        return self.contact in refusing(self.target, label)

    def clicks(self, asked: Clicked, first: date | None, last: date | None) -> int:
        days = _range(first, last)
        if asked.selector == "label" and isinstance(asked.target, UUID):
            within = BitMap([self.contact])
            return number_of(label_planes(self.target, asked.target, days, within, False, refused=True), self.contact)
        return sum(tally.number(days, self.contact) for tally in clicks(self.target, asked))

    def label_clicks(
        self, labels: tuple[UUID, ...] | None, first: date | None, last: date | None
    ) -> Mapping[UUID, LabelClicks]:
        days, within, merged = _range(first, last), BitMap([self.contact]), self.target.merged
        latest: dict[UUID, int] = {}
        for label, tally in self._clicked_labels():
            label = merged.last.get(label, label)
            if (labels is None or label in labels) and tally.number(days, self.contact):
                day = max(day for day, _ in tally.clicked_by_day(days, within))
                latest[label] = max(day, latest.get(label, day))
        by_label: dict[UUID, LabelClicks] = {}
        for label, day in latest.items():
            planes = label_planes(self.target, label, days, within, False, refused=True)
            by_label[label] = LabelClicks(number_of(planes, self.contact), date.fromordinal(day))
        return by_label

    def _clicked_labels(self) -> Iterator[tuple[UUID, Tally]]:
        for name, tally in self.target.tallies.items():
            if name[0] == "click.label" and isinstance(name[1], int):
                yield UUID(int=name[1]), tally

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
