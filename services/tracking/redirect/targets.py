"""Where tracked links lead, from memory: the catalog of our own messages."""

from typing import NamedTuple
from uuid import UUID

from services.tracking.domain.targets import location, unreachable
from shared.bus.catalog import Catalog
from shared.events.tracking import MessageChanged, MessageLink

MOST_READY = 5_000  # messages whose links are looked up by number; the catalog has all


class Target(NamedTuple):
    """A link, and its URL as a `Location`. Clicks on a link that is not tracked any more are not recorded."""

    link_id: str
    location: bytes
    tracked: bool


class Targets:
    """The links of every message, in every revision, that mails which were sent may lead to."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._own: dict[UUID, MessageChanged] = {}
        self._ready: dict[UUID, tuple[int, dict[str, Target]]] = {}
        catalog.on_change(self._changed)

    def find(self, account_id: int, message_id: UUID, number: str) -> Target | None:
        """The link with that number; None if the message has none, or is not known (see `knows`)."""
        ready = self._ready.get(message_id) or self._prepare(message_id)
        return ready[1].get(number) if ready is not None and ready[0] == account_id else None

    def knows(self, message_id: UUID) -> bool:
        """Whether the message is known by now."""
        return message_id in self._own or self._catalog.find(MessageChanged, message_id) is not None

    def learn(self, message: MessageChanged) -> None:
        """A message that this process has just written; the catalog brings it too, once Kafka has it."""
        self._own[message.message_id] = message
        self._ready.pop(message.message_id, None)

    async def refresh(self) -> None:
        """Learns of all messages that there are now, within a second."""
        await self._catalog.refresh()

    def _changed(self, event: object) -> None:
        if isinstance(event, MessageChanged):
            own = self._own.get(event.message_id)
            if own is not None and own.occurred_at <= event.occurred_at:
                del self._own[event.message_id]
            self._ready.pop(event.message_id, None)

    def _prepare(self, message_id: UUID) -> tuple[int, dict[str, Target]] | None:
        message = self._own.get(message_id) or self._catalog.find(MessageChanged, message_id)
        if message is None:
            return None
        if len(self._ready) >= MOST_READY:
            self._ready.clear()
        links = {
            str(link.number): Target(str(link.id), location(link.url).encode("latin-1"), link.trackable)
            for link in message.links
            if link.trackable or _leads_on(link)
        }
        self._ready[message_id] = (message.account_id, links)
        return self._ready[message_id]


def _leads_on(link: MessageLink) -> bool:
    """Return whether a link that may have been tracked in a mail still leads somewhere."""
    return link.reason != "merge_tag" and unreachable(link.url) is None
