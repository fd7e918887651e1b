"""The memory of the image: `python -m tests.bench.segmentation_memory`; docs/explanation has the result."""

import random
from collections import Counter
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from services.segmentation.domain.column import Column
from services.segmentation.domain.ordered import Ordered
from services.segmentation.domain.slice import EPOCH, Name, Slice
from services.segmentation.domain.snapshot_parts import dump_changed
from shared.events.labeling import Scalar
from tests.bench.segmentation_image import (
    CITIES,
    DAYS,
    LABELS,
    PARTITIONS,
    TODAY,
    ZONE,
    ClickHistory,
    resident_bytes,
)

CONTACTS, CLICKS = 1_000_000, 10_000_000


def kind_of(part: Name) -> str:
    """Return the kind of a part as the table shows it."""
    return str(part[2]) if part[0] == "days" else str(part[0])


def fields() -> list[tuple[str, float]]:
    """Measure the bytes per contact of a field of each kind, as the metric counts them."""
    dice = random.Random(6)
    contacts = range(CONTACTS // PARTITIONS)
    values_by_kind: dict[str, dict[int, Scalar | None]] = {
        f"a text field with {CITIES} values": {one: f"city {dice.randrange(CITIES)}" for one in contacts},
        "a text field in which all values are distinct": {one: f"{one:08}-abcdef" for one in contacts},
        "a number field (0 to 1,000)": {one: dice.randrange(1000) for one in contacts},
        "a date field (of 80 years)": {
            one: f"{1940 + dice.randrange(80)}-{1 + dice.randrange(12):02}-{1 + dice.randrange(28):02}"
            for one in contacts
        },
    }
    found = []
    for name, values in values_by_kind.items():
        image = Slice(TODAY)
        image.columns["any"] = Column()
        image.columns["any"].put(values)
        image.changed.add(("field", "any"))
        dump_changed(image)
        found.append((f"{name}, per contact", sum(image.sizes.values()) / len(contacts)))
    return found


def labels() -> float:
    """Measure the bytes per assignment, as the metric counts them: every tenth contact, on random days of a year."""
    dice = random.Random(7)
    image = Slice(TODAY)
    holders = {contact: TODAY - EPOCH - dice.randrange(DAYS) for contact in range(0, CONTACTS // PARTITIONS, 10)}
    image.labels[1] = Ordered()
    image.labels[1].put(holders)
    image.changed.add(("label", 1))
    dump_changed(image)
    return sum(image.sizes.values()) / len(holders)


def main() -> None:
    """Measure and print."""
    before = resident_bytes()
    slices = list(ClickHistory(CONTACTS, CLICKS).slices())
    resident = resident_bytes() - before
    sizes: Counter[str] = Counter()
    for account in slices:
        dump_changed(account.image)
        for part, size in account.image.sizes.items():
            sizes[kind_of(part)] += size
    table = Table(title=f"{CONTACTS:,} contacts, {CLICKS:,} clicks on {LABELS} labels in {DAYS} days; {ZoneInfo(ZONE)}")
    table.add_column("what")
    table.add_column("bytes", justify="right")
    table.add_row("all, resident", f"{resident:,}")
    for kind, size in sizes.most_common():
        table.add_row(f"{kind}, by the metric", f"{size:,}")
    table.add_row("a click, all that counts it", f"{resident / CLICKS:.1f}")
    for name, bytes_each in fields():
        table.add_row(name, f"{bytes_each:.1f}")
    table.add_row("a held label", f"{labels():.1f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
