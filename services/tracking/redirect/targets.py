"""The targets of tracked links, from the catalog of messages in memory."""

from typing import NamedTuple
from uuid import UUID

from services.tracking.domain.targets import location, unreachable
from services.tracking.domain.utm import UtmTarget, utm_target
from shared.bus.catalog import Catalog
from shared.events.labeling import AccountChanged, UtmRule
from shared.events.parts import Send
from shared.events.tracking import MessageChanged, MessageLink

MOST_PREPARED = 5_000  # messages whose targets are cached; the catalog has all messages


class LinkTarget(NamedTuple):
    """A link, and its URL as a `Location`.

    Clicks on a link that is no longer tracked are not recorded. `utm` is the URL with the account's UTM parameters, if
    there are any to append.
    """

    link_id: str
    location: bytes
    tracked: bool
    utm: UtmTarget | None = None

    def location_for(self, send: Send | None) -> bytes:
        """Return the `Location` for a recipient of `send`."""
        return self.location if self.utm is None else self.utm.location(send).encode("latin-1")


class Targets:
    """The links of all messages and revisions, to which sent mails may refer."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._written: dict[UUID, MessageChanged] = {}
        self._prepared: dict[UUID, tuple[int, dict[str, LinkTarget]]] = {}
        catalog.on_change(self._on_change)

    def find(self, account_id: int, message_id: UUID, number: str) -> LinkTarget | None:
        """Return the link with that number; None if the message has no such link, or is unknown (see `knows`)."""
        prepared = self._prepared.get(message_id) or self._prepare(message_id)
        return prepared[1].get(number) if prepared is not None and prepared[0] == account_id else None

    def knows(self, message_id: UUID) -> bool:
        """Return whether the message is known."""
        return message_id in self._written or self._catalog.find(MessageChanged, message_id) is not None

    def learn(self, message: MessageChanged) -> None:
        """Add a message that this process has just written; the catalog will contain it later."""
        self._written[message.message_id] = message
        self._prepared.pop(message.message_id, None)

    async def refresh(self) -> None:
        """Read the catalog to its current end, for at most a second."""
        await self._catalog.refresh()

    def _on_change(self, event: object) -> None:
        if isinstance(event, MessageChanged):
            written = self._written.get(event.message_id)
            if written is not None and written.occurred_at <= event.occurred_at:
                del self._written[event.message_id]
            self._prepared.pop(event.message_id, None)
        elif isinstance(event, AccountChanged):
            for message_id in [
                key for key, (account_id, _) in self._prepared.items() if account_id == event.account_id
            ]:
                del self._prepared[message_id]

    def _prepare(self, message_id: UUID) -> tuple[int, dict[str, LinkTarget]] | None:
        message = self._written.get(message_id) or self._catalog.find(MessageChanged, message_id)
        if message is None:
            return None
        if len(self._prepared) >= MOST_PREPARED:
            self._prepared.clear()
        account = self._catalog.find(AccountChanged, message.account_id)
        rule = None if account is None else account.utm
        links = {
            str(link.number): _target(link, rule, message.message_name)
            for link in message.links
            if link.trackable or _has_target(link)
        }
        self._prepared[message_id] = (message.account_id, links)
        return self._prepared[message_id]


def _has_target(link: MessageLink) -> bool:
    """Return whether a link that may be tracked in a sent mail still has a target."""
    return link.reason != "merge_tag" and unreachable(link.url) is None


def _target(link: MessageLink, rule: UtmRule | None, message_name: str) -> LinkTarget:
    url = location(link.url)
    utm = None if rule is None or not link.trackable else utm_target(url, rule, message_name)
    return LinkTarget(str(link.id), url.encode("latin-1"), link.trackable, utm)
