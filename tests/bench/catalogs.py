"""Memory of the catalogs in a process: 5,000 accounts with 200 messages, 50 labels and 10 fields each.

`python -m tests.bench.catalogs [share]` measures a share of that (0.1 is a tenth) without any server.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.bus.catalog import Catalog
from shared.events.envelope import CatalogEvent
from shared.events.labeling import AccountChanged, FieldChanged, LabelChanged
from shared.events.parts import LabelReference
from shared.events.tracking import MessageChanged, MessageLink
from shared.settings import CommonSettings
from tests.bench.figure import Figure
from tests.bench.place import Place
from tests.bench.segmentation_image import resident_bytes

ACCOUNTS, MESSAGES, LABELS, FIELDS, LINKS = 5_000, 200, 50, 10, 10
SHARE = 0.05  # of the accounts, in `make bench`: the cost per account is constant
MEGABYTE = 1_000_000
GOAL = 1_000  # MB per process for the catalogs of all accounts


async def run(_place: Place) -> list[Figure]:
    """Measure a share of the accounts; return the memory of all of them."""
    return measure(SHARE)


def measure(share: float) -> list[Figure]:
    """Put the objects of a share of the accounts into catalogs, and measure the memory."""
    catalog = Catalog(CommonSettings(), ("labeling.catalog", "tracking.catalog"))
    before, began = resident_bytes(), perf_counter()
    accounts = round(ACCOUNTS * share)
    events = 0
    for account_id in range(1, accounts + 1):
        for event in events_of(account_id):
            catalog.remember(event)
            events += 1
    took = perf_counter() - began
    bytes_taken = (resident_bytes() - before) / share
    last = catalog.all(MessageChanged, accounts)
    began = perf_counter()
    for message in last:
        catalog.find(MessageChanged, message.message_id)
    lookup_seconds = (perf_counter() - began) / len(last)
    return [
        Figure(
            "memory of the catalogs of 5,000 accounts with 200 messages each",
            bytes_taken / MEGABYTE,
            "MB",
            GOAL,
            better="lower",
        ),
        Figure("things put into the catalogs", events / took, "1/s"),
        Figure("a message asked for the first time", lookup_seconds * 1e6, "µs", better="lower"),
    ]


def events_of(account_id: int) -> Iterator[CatalogEvent]:
    """Yield the events with all objects of an account."""
    now = datetime.now(UTC)
    yield AccountChanged(
        occurred_at=now, account_id=account_id, account_name=f"Shop {account_id}", time_zone="Europe/Brussels"
    )
    labels = [LabelReference(id=uuid7(), name=f"Label {number}") for number in range(LABELS)]
    for label in labels:
        yield LabelChanged(
            occurred_at=now, account_id=account_id, label_id=label.id, label_name=label.name, description="",
            visibility="private",
        )  # fmt: skip
    for number in range(FIELDS):
        yield FieldChanged(
            occurred_at=now, account_id=account_id, field_key=f"field_{number}", field_name=f"Field {number}",
            field_type="text",
        )  # fmt: skip
    for number in range(MESSAGES):
        yield MessageChanged(
            occurred_at=now, account_id=account_id, message_id=uuid7(), message_name=f"Newsletter {number}",
            revision=1, links=tuple(link(account_id, place, labels) for place in range(1, LINKS + 1)),
        )  # fmt: skip


def link(account_id: int, number: int, labels: list[LabelReference]) -> MessageLink:
    """Return a link of typical size, with one label."""
    identity: UUID = uuid7()
    return MessageLink(
        id=identity, number=number, url=f"https://shop-{account_id}.example/products/{identity.hex}?utm_source=mail",
        text=f"Read more about product {identity.hex[:8]}", trackable=True, labels=(labels[number % len(labels)],),
    )  # fmt: skip


def main() -> None:
    """Print the memory of a share of the accounts, extrapolated to all."""
    for row in measure(float(sys.argv[1]) if len(sys.argv) > 1 else SHARE):
        sys.stdout.write(f"{row.name}: {row.value:,.0f} {row.unit}\n")


if __name__ == "__main__":
    main()
