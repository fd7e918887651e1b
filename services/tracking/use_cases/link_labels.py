"""Labels links, one or many at once. Changes apply to later clicks only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.tracking.domain.errors import CatalogOutOfDate, LabelsNotUsable, LinksNotFound, UnusableLabel
from services.tracking.domain.revisions import LinkLabel
from services.tracking.store.messages import StoredMessage, change_message, replace_link_labels
from services.tracking.use_cases.messages import Require, append_message, read_to_change
from services.tracking.use_cases.service import Tracking
from shared.events.labeling import LabelChanged
from shared.events.topics import CATALOG_PARTITION
from shared.events.tracking import MessageChanged
from shared.store.unit_of_work import UnitOfWork

LabelsByLink = Mapping[UUID, Sequence[UUID]]


async def label_links(
    tracking: Tracking,
    account_id: int,
    message_id: UUID,
    labels_by_link: LabelsByLink,
    names: Mapping[UUID, str],
    require: Require,
) -> StoredMessage:
    """Replace the labels of the links in `labels_by_link`; other links keep theirs.

    `names` are the labels' current names (see `label_names`). Raises MessageNotFound, LinksNotFound, EventTooLarge.
    """
    labels = {
        link_id: [LinkLabel(label_id, names[label_id]) for label_id in dict.fromkeys(label_ids)]
        for link_id, label_ids in labels_by_link.items()
    }
    async with tracking.database.unit_of_work(CATALOG_PARTITION) as work:
        message = await read_to_change(work, account_id, message_id, require)
        if unknown := labels_by_link.keys() - {link.id for link in message.links}:
            raise LinksNotFound(sorted(unknown))
        message, event = await _write_labels(work, message, labels)
    await tracking.announce(work, event)
    return message


async def label_names(
    tracking: Tracking, account_id: int, labels_by_member: Mapping[str, Sequence[UUID]]
) -> dict[UUID, str]:
    """Return the current names of labels, by id.

    `labels_by_member` has the labels' ids by the member of the request that lists them. Raises LabelsNotUsable,
    and CatalogOutOfDate if a label that was just created may be missing.
    """
    names, unusable = _look_up(tracking, account_id, labels_by_member)
    if unusable:
        up_to_date = await tracking.catalog.refresh()
        names, unusable = _look_up(tracking, account_id, labels_by_member)
        if unusable:
            raise LabelsNotUsable(unusable) if up_to_date else CatalogOutOfDate
    return names


async def _write_labels(
    work: UnitOfWork, message: StoredMessage, labels: Mapping[UUID, Sequence[LinkLabel]]
) -> tuple[StoredMessage, MessageChanged]:
    links = [replace(link, labels=tuple(labels[link.id])) if link.id in labels else link for link in message.links]
    await replace_link_labels(work.connection, [link for link in links if link.id in labels])
    message = replace(message, version=message.version + 1, changed_at=work.now, links=links)
    await change_message(work.connection, message)
    return message, append_message(work, message)


def _look_up(
    tracking: Tracking, account_id: int, labels_by_member: Mapping[str, Sequence[UUID]]
) -> tuple[dict[UUID, str], list[UnusableLabel]]:
    names: dict[UUID, str] = {}
    unusable = []
    for member, index, label_id in _flatten(labels_by_member):
        current = tracking.catalog.find(LabelChanged, label_id)
        if current is None or current.account_id != account_id or current.state == "deleted":
            unusable.append(UnusableLabel(member, index, "There is no such label"))
        elif current.state == "merged":
            unusable.append(UnusableLabel(member, index, "The label was merged into another one"))
        else:
            names[label_id] = current.label_name
    return names, unusable


def _flatten(labels_by_member: Mapping[str, Sequence[UUID]]) -> Iterator[tuple[str, int, UUID]]:
    for member, label_ids in labels_by_member.items():
        for index, label_id in enumerate(label_ids):
            yield member, index, label_id
