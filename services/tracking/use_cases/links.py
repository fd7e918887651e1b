"""Corrects links: their targets, and whether they are tracked."""

from dataclasses import dataclass, replace
from uuid import UUID

from services.tracking.domain.errors import LinkNotTrackable, LinksNotFound, TargetNotUsable
from services.tracking.domain.revisions import Link
from services.tracking.domain.revisions import Tracking as Tracked
from services.tracking.domain.targets import GUESSES, own_reason, unreachable, untrackable
from services.tracking.store.messages import StoredMessage, change_message, write_links
from services.tracking.use_cases.messages import Require, append_message, read_to_change
from services.tracking.use_cases.service import Tracking
from shared.events.topics import CATALOG_PARTITION


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A change of a link. With `changes_url` the target becomes `url`, or the URL in the message if that is None."""

    changes_url: bool = False
    url: str | None = None
    tracking: Tracked | None = None


async def change_link(
    tracking: Tracking, account_id: int, message_id: UUID, link_id: UUID, change: LinkChange, require: Require
) -> StoredMessage:
    """Change a link, also for mails that were sent; the message keeps its revision.

    Raises MessageNotFound, LinksNotFound, TargetNotUsable, LinkNotTrackable.
    """
    async with tracking.database.unit_of_work(CATALOG_PARTITION) as work:
        message = await read_to_change(work, account_id, message_id, require)
        link = next((link for link in message.links if link.id == link_id), None)
        if link is None:
            raise LinksNotFound([link_id])
        changed = changed_link(link, change, tracking.own_urls)
        links = [changed if other.id == link_id else other for other in message.links]
        message = replace(message, version=message.version + 1, changed_at=work.now, links=links)
        await write_links(work.connection, message_id, [changed])
        await change_message(work.connection, message)
        event = append_message(work, message)
    await tracking.announce(work, event)
    return message


def changed_link(link: Link, change: LinkChange, own_urls: tuple[str, ...]) -> Link:
    """Return the link with the change. Raises TargetNotUsable, LinkNotTrackable."""
    if change.changes_url:
        target = None if change.url == link.url else change.url
        if target is not None and (reason := unreachable(target) or own_reason(target, own_urls)):
            raise TargetNotUsable(reason)
        link = replace(link, target=target, guess=untrackable(target or link.url, link.text, own_urls))
    if change.tracking is not None:
        if change.tracking == "always" and link.guess is not None and link.guess not in GUESSES:
            raise LinkNotTrackable(link.guess)
        if change.tracking == "always" and (reason := unreachable(link.leads_to)):
            raise LinkNotTrackable(reason)
        link = replace(link, tracking=change.tracking)
    return link
