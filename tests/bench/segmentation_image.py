"""An image filled without Kafka: contacts with a city, clicks of a year; the same data as rows for databases."""

import random
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pyroaring import BitMap

from services.segmentation.domain.account_slice import AccountSlice
from services.segmentation.domain.column import Column
from services.segmentation.domain.evaluator import Evaluator
from services.segmentation.domain.ordered import Ordered
from services.segmentation.domain.slice import CLICKED, EPOCH
from shared.criteria import Criterion, parse

PARTITIONS = 12
ACCOUNT = 1
ZONE = "Europe/Brussels"
DAYS = 365
LABELS = 20
LINKS_PER_SEND = 10
# Clicks are not spread evenly: 30 % are on the first label, 15 % on the second, …
SHARES = [0.30, 0.15, 0.10, 0.07, *[0.38 / (LABELS - 4)] * (LABELS - 4)]
CITIES = 300
TODAY = date(2026, 11, 23).toordinal()


def label_id(number: int) -> UUID:
    """Return the id of a label by its number, from 0 on."""
    return UUID(int=1000 + number)


# Three parts, one of them a threshold in 30 days.
THREE_PARTS: dict[str, Any] = {
    "all": [
        {"clicks": {"label": str(label_id(0)), "at_least": 3, "within_days": 30}},
        {"field": {"key": "city", "in": ["city 1", "city 2", "city 3"]}},
        {"not": {"engaged": {"kind": "form.submitted", "ref": "contest"}}},
    ]
}


@dataclass
class ClickHistory:
    """Random clicks by slice and day: the contacts (as indexes) that clicked on each label."""

    contacts: int
    clicks: int
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    @property
    def in_slice(self) -> int:
        return self.contacts // PARTITIONS

    def day(self) -> list[list[int]]:
        """Return a day's clicks in one slice: one list of contacts per label, the longest for the first label."""
        clicks_of_day = self.clicks // PARTITIONS // DAYS
        numbers = [round(clicks_of_day * share) for share in SHARES]
        drawn = array("I")
        drawn.frombytes(self.dice.randbytes(4 * sum(numbers)))
        contacts = self.in_slice
        values = iter(drawn)
        return [[value % contacts for value in islice(values, number)] for number in numbers]

    def slices(self, rows: "Path | None" = None) -> Iterator[AccountSlice]:
        """Yield the image, slice by slice. `rows`: a folder to which the same data is written as CSV."""
        click_rows = (rows / "clicks.csv").open("w") if rows else None
        contact_rows = (rows / "contacts.csv").open("w") if rows else None
        engagement_rows = (rows / "engagements.csv").open("w") if rows else None
        for partition in range(PARTITIONS):
            account = AccountSlice(ACCOUNT, ZoneInfo(ZONE), ZONE, date.fromordinal(TODAY), PARTITIONS)
            image = account.image
            remainder = (partition - ACCOUNT) % PARTITIONS
            image.known = BitMap(range(1, self.in_slice))
            image.changed.add(("known",))
            cities = {index: f"city {self.dice.randrange(CITIES)}" for index in range(1, self.in_slice)}
            column = image.columns["city"] = Column()
            column.put(cities)
            image.changed.add(("field", "city"))
            for number in range(LABELS):
                held = image.labels[label_id(number).int] = Ordered()
                held.put(dict.fromkeys(range(number + 1, self.in_slice, 10), TODAY - EPOCH - number))
                image.changed.add(("label", label_id(number).int))
            for shift in range(DAYS):
                day = TODAY - shift
                by_label = self.day()
                everyone = [contact for contacts in by_label for contact in contacts]
                image.count(CLICKED, day, everyone)
                send = f"send {shift // 3}"
                image.count(("click.send", send), day, everyone)
                for number, contacts in enumerate(by_label):
                    link = shift // 3 * LINKS_PER_SEND + number % LINKS_PER_SEND
                    image.count(("click.label", label_id(number).int), day, contacts)
                    image.count(("click.target", shift // 3, link, f"https://shop.example/{link}"), day, contacts)
                    if click_rows:
                        text = f",{number},{date.fromordinal(day).isoformat()}\n"
                        click_rows.writelines(f"{contact * PARTITIONS + remainder}{text}" for contact in contacts)
            filled = range(5, self.in_slice, 50)
            image.count(("engaged", "form.submitted"), TODAY - 9, filled)
            image.count(("engaged.whole", "form.submitted", "contest", None, None), TODAY - 9, filled)
            if contact_rows and engagement_rows:
                contact_rows.writelines(f"{index * PARTITIONS + remainder},{city}\n" for index, city in cities.items())
                engagement_rows.writelines(
                    f"{index * PARTITIONS + remainder},form.submitted,contest\n" for index in filled
                )
            yield account
        for file in (click_rows, contact_rows, engagement_rows):
            if file:
                file.close()


def count(slices: Sequence[AccountSlice], criterion: Criterion, *, keep: bool = False) -> int:
    """Return the number of matching contacts in all slices; `keep`: cache the sums for later counts."""
    return sum(len(Evaluator(account.image, keep=keep).members(criterion)) for account in slices)


def resident_bytes() -> int:
    """Return the current resident memory of the process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def three_parts() -> Criterion:
    """Return THREE_PARTS as a criterion."""
    return parse(THREE_PARTS)
