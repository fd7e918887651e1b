"""Refusals of tracking that are on labeling.contacts but not yet in the table of contacts."""

from collections.abc import Mapping
from typing import Protocol

from asyncpg.pool import PoolConnectionProxy

from services.tracking.store.contacts import ContactKey
from services.tracking.use_cases.contact_references import CONSENT_DENIED, CONSENT_UNKNOWN
from shared.bus.catalog import Catalog
from shared.bus.tail import Read, TailRecord
from shared.events.labeling import AccountChanged, ContactChanged


class Unapplied(Protocol):
    """Reads the records that a consumer has not applied yet, such as `shared.bus.tail.Tail`."""

    async def read(self, connection: PoolConnectionProxy) -> Read:
        """Return the records up to the current end of the topic, each once."""


class UnappliedRefusals:
    """Contacts whose clicks must be dropped although the consumer of contacts has not applied their refusal yet.

    A click after consent was denied must be dropped, and nothing orders the topic of clicks after that of contacts. So
    before clicks are processed, the topic of contacts is read to its current end.
    """

    def __init__(self, tail: Unapplied, catalog: Catalog) -> None:
        self._tail = tail
        self._catalog = catalog
        self._refused: dict[ContactKey, tuple[TailRecord, str]] = {}

    async def read(self, connection: PoolConnectionProxy) -> Mapping[ContactKey, str]:
        """Return the contacts and the reasons why their clicks are dropped. Raises KafkaError while Kafka is
        unavailable."""
        applied, records = await self._tail.read(connection)
        for record in records:
            if isinstance(record.event, ContactChanged):
                self._apply(record, record.event)
        # The table has the refusal by now, and also a later consent.
        for key, (record, _) in list(self._refused.items()):
            if record.sequence <= applied.get(record.partition, 0):
                del self._refused[key]
        return {key: reason for key, (_, reason) in self._refused.items()}

    def _apply(self, record: TailRecord, event: ContactChanged) -> None:
        key = (event.account_id, event.contact_id)
        reason = self._why_refused(event)
        if reason is None:
            self._refused.pop(key, None)
        else:
            self._refused[key] = record, reason

    def _why_refused(self, event: ContactChanged) -> str | None:
        if event.tracking_consent == "denied":
            return CONSENT_DENIED
        if event.tracking_consent == "unknown":
            account = self._catalog.find(AccountChanged, event.account_id)
            if account is not None and not account.track_unknown_consent:
                return CONSENT_UNKNOWN
        return None
