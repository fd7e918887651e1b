"""Reported clicks (topic intake.clicks) become rows, counts and events; whoever reported them, by this one path."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.tracking.consumers.memory import count_left_out, remember
from services.tracking.consumers.recording import Recorder, Taken
from services.tracking.consumers.resolving import contacts_of
from services.tracking.consumers.waiting import known_keys
from services.tracking.domain.intake import LeftOut, Message, Refused, contact_reference, message_key, place
from services.tracking.store.contacts import contact_news
from services.tracking.store.messages import messages_for_clicks
from shared.bus.catalog import Catalog
from shared.bus.handler import Handler
from shared.bus.received import Received
from shared.events.intake import ClickReported
from shared.store.unit_of_work import UnitOfWork

# After clicks were held: a transaction that learns of what they wait for, and did not see them, ends within seconds.
LOOKS = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=30))


class ClickHandler(Handler):
    """Takes reported clicks, a few statements for thousands."""

    def __init__(self, catalog: Catalog, partitions: int) -> None:
        self._recorder = Recorder(catalog, partitions)
        self._messages: dict[UUID, Message] = {}
        # When to look whether what held clicks wait for is there by now, and how many looks there were.
        self._look: tuple[datetime, int] | None = None

    async def opened(self, work: UnitOfWork, partition: int) -> None:
        """Clicks may have been held by a process that died before it looked again."""
        self._look = work.now, 0

    def due(self, partition: int) -> datetime | None:
        """After clicks were held: whether what they wait for came while they were being held."""
        return None if self._look is None else self._look[0]

    async def tick(self, work: UnitOfWork, partition: int, now: datetime) -> None:
        """Releases held clicks whose contact or message is known by now."""
        looks = 0 if self._look is None else self._look[1]
        self._look = None  # another batch may hold clicks while this one looks
        # Whoever learned of it before the click was held could not release it, and nobody else would.
        await work.release(await known_keys(work.connection))
        if self._look is None and looks + 1 < len(LOOKS):
            self._look = now + LOOKS[looks + 1] - LOOKS[looks], looks + 1

    async def handle(self, work: UnitOfWork, batch: Sequence[Received]) -> None:
        """Applies reports in any order of contacts; see `Handler`."""
        partition = batch[0].partition
        if (due := self.due(partition)) is not None and due <= work.now:
            await self.tick(work, partition, work.now)
        news = await contact_news(work.connection)
        taken = await self._take(work, batch)
        if taken:
            await self._recorder.record(work, taken, news)

    async def _take(self, work: UnitOfWork, batch: Sequence[Received]) -> list[Taken]:
        """Those that can be used now; the others are held, refused or left out."""
        references = [contact_reference(received.event.account_id, received.event) for received in batch]
        contacts = await contacts_of(work.connection, set(references))
        messages = await self._messages_of(work, {received.event.message_id for received in batch})
        taken, left_out = [], Counter[str]()
        for received, reference in zip(batch, references, strict=True):
            report: ClickReported = received.event
            contact = contacts[reference]
            if isinstance(contact, str):
                left_out[contact] += 1
                continue
            message = messages.get(report.message_id)
            if message is None or message.account_id != report.account_id:
                message_awaited = message_key(report.account_id, report.message_id)
                self._hold(work, received, "message", message_awaited, reference.named_by)
                continue
            placed = place(report, message, work.now)
            if isinstance(placed, Refused):
                work.reject(received, placed.reason)
            elif isinstance(placed, LeftOut):
                left_out[placed.reason] += 1
            elif contact is None:
                self._hold(work, received, "contact", reference.waits_for)
            else:
                taken.append(Taken(received, contact, message, placed))
        count_left_out(work, left_out)
        return taken

    def _hold(self, work: UnitOfWork, received: Received, what: str, *keys: str) -> None:
        work.hold(received, f"{what} not known", keys)
        self._look = work.now + LOOKS[0], 0

    async def _messages_of(self, work: UnitOfWork, message_ids: Collection[UUID]) -> Mapping[UUID, Message]:
        messages = await messages_for_clicks(work.connection, message_ids, self._messages)
        work.after_commit(lambda: remember(self._messages, messages))
        return messages
