"""Converts reported clicks to rows, counts and events."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from services.tracking.domain.intake import (
    DroppedReport,
    Message,
    UnusableReport,
    contact_reference,
    find_clicked_link,
    message_key,
)
from services.tracking.store.contacts import ContactKey, contact_news
from services.tracking.store.messages import messages_for_clicks
from services.tracking.use_cases.click_recording import Recorder, UsableReport
from services.tracking.use_cases.contact_references import contacts_of
from services.tracking.use_cases.memory import count_dropped, remember
from shared.bus.catalog import Catalog
from shared.bus.received import Received
from shared.events.intake import ClickReported
from shared.events.labeling import AccountChanged
from shared.store.unit_of_work import UnitOfWork
from shared.yielding import yielding

NO_CONTACTS: Mapping[ContactKey, str] = {}


class ClickIntake:
    """Processes thousands of reports with a few statements for each batch."""

    def __init__(self, catalog: Catalog, partitions: int) -> None:
        self._catalog = catalog
        self._recorder = Recorder(catalog, partitions)
        self._messages: dict[UUID, Message] = {}

    async def take_in(
        self, work: UnitOfWork, batch: Sequence[Received], refused: Mapping[ContactKey, str] = NO_CONTACTS
    ) -> int:
        """Record the reports that can be used now; hold, refuse or drop the others.

        Return how many are held. `refused` are contacts whose clicks are dropped for a reason that the table of
        contacts does not have yet.
        """
        contact_batches = await contact_news(work.connection)
        consent_required = self._consent_required(batch)
        usable, held = await self._classify(work, batch, refused, consent_required)
        if usable:
            await self._recorder.record(work, usable, contact_batches, consent_required)
        return held

    def _consent_required(self, batch: Sequence[Received]) -> list[int]:
        """Return the accounts that do not track contacts whose consent is unknown."""
        accounts = (
            self._catalog.find(AccountChanged, one) for one in {received.event.account_id for received in batch}
        )
        return [one.account_id for one in accounts if one is not None and not one.track_unknown_consent]

    async def _classify(
        self,
        work: UnitOfWork,
        batch: Sequence[Received],
        refused: Mapping[ContactKey, str],
        consent_required: Collection[int],
    ) -> tuple[list[UsableReport], int]:
        """Return the reports that can be used now, and how many are held; refuse or drop the others."""
        references = [contact_reference(received.event.account_id, received.event) for received in batch]
        contacts = await contacts_of(work.connection, set(references), consent_required)
        messages = await self._messages_of(work, {received.event.message_id for received in batch})
        usable, dropped, held = [], Counter[str](), 0
        async for received, reference in yielding(zip(batch, references, strict=True)):
            report: ClickReported = received.event
            contact = contacts[reference]
            if isinstance(contact, int):
                contact = refused.get((report.account_id, contact), contact)
            if isinstance(contact, str):
                dropped[contact] += 1
                continue
            message = messages.get(report.message_id)
            if message is None or message.account_id != report.account_id:
                key = message_key(report.account_id, report.message_id)
                work.hold(received, "message not known", (key, reference.named_by))
                held += 1
                continue
            clicked = find_clicked_link(report, message, work.now)
            if isinstance(clicked, UnusableReport):
                work.reject(received, clicked.reason)
            elif isinstance(clicked, DroppedReport):
                dropped[clicked.reason] += 1
            elif contact is None:
                work.hold(received, "contact not known", (reference.waits_for,))
                held += 1
            else:
                usable.append(UsableReport(received, contact, message, clicked))
        count_dropped(work, dropped)
        return usable, held

    async def _messages_of(self, work: UnitOfWork, message_ids: Collection[UUID]) -> Mapping[UUID, Message]:
        messages = await messages_for_clicks(work.connection, message_ids, self._messages)
        work.after_commit(lambda: remember(self._messages, messages))
        return messages
