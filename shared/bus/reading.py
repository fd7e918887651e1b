"""Decodes raw records into events, and separates those that cannot be decoded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.bus.lane import Fetched
from shared.bus.received import Received
from shared.bus.record import Record
from shared.events.codec import Tombstone, decode
from shared.events.labeling import ContactChanged
from shared.events.undecodable import Undecodable
from shared.yielding import yielding


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that could not be decoded, and the reason."""

    consumer: str
    topic: str
    record: Record
    reason: str
    held_since: datetime | None = None

    @property
    def partition(self) -> int:
        return self.record.partition

    @property
    def offset(self) -> int:
        return self.record.offset

    @property
    def key(self) -> bytes | None:
        return self.record.key

    @property
    def value(self) -> bytes | None:
        return self.record.value

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        return self.record.headers


async def read(consumer: str, records: Iterable[Fetched]) -> list[Received | Unread]:
    """Decode `records`; return the result for each, in the same order.

    Thousands take longer than the event loop may be blocked, so other tasks run in between.
    """
    results: list[Received | Unread] = []
    async for topic, record, headers in yielding(records):
        try:
            decoded = decode(topic, record.key, record.value, headers)
        except Undecodable as error:
            results.append(Unread(consumer, topic, record, error.reason))
        else:
            results.append(Received(consumer, topic, record, decoded))
    return results


def received_of(records: Iterable[Received | Unread]) -> list[Received]:
    """Return the records that could be decoded."""
    return [record for record in records if isinstance(record, Received)]


def contact_of(record: Received | Unread) -> tuple[int, int]:
    """Return the ids of the account and the contact in a record's key; zeros if it contains none."""
    account, _, contact = (record.key or b"").decode("utf-8", "replace").partition(":")
    if account.isdecimal() and contact.isdecimal():
        return int(account), int(contact)
    return 0, 0


def is_erasure(record: Received) -> bool:
    """Return whether a record says that its contact is erased."""
    event = record.event
    if isinstance(event, Tombstone):
        return record.topic == ContactChanged.topic
    return isinstance(event, ContactChanged) and event.state == "erased"
