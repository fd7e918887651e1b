"""Messages, their revisions, links and link labels."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.tracking.domain.intake import Message
from services.tracking.domain.revisions import Link, LinkLabel, Revised
from services.tracking.store import QUERIES


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message, its newest revision's links in their order (`order`), and all links that it ever had (`links`)."""

    message_id: UUID
    account_id: int
    name: str
    revision: int
    version: int
    created_at: datetime
    changed_at: datetime
    links: Sequence[Link]
    order: Sequence[UUID]

    def links_in_order(self) -> list[Link]:
        """The links of the newest revision, as they stand in its HTML."""
        by_id = {link.id: link for link in self.links}
        return [by_id[link_id] for link_id in self.order]


@dataclass(frozen=True, slots=True)
class Html:
    """The HTML of a message's newest revision, and its links in order."""

    revision: int
    html: str
    link_ids: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message in a list; `links` counts those of its newest revision."""

    message_id: UUID
    name: str
    revision: int
    created_at: datetime
    changed_at: datetime
    links: int


async def messages_for_clicks(
    connection: PoolConnectionProxy, message_ids: Collection[UUID], known: Mapping[UUID, Message]
) -> dict[UUID, Message]:
    """The messages, of those that there are; `known` ones are not read again unless they have changed."""
    found: dict[UUID, Message] = {}
    changed: dict[UUID, Record] = {}
    for row in await connection.fetch(QUERIES["versions_of_messages"], list(message_ids)):
        message_id = row["message_id"]
        before = known.get(message_id)
        if before is not None and before.version == row["version"]:
            found[message_id] = before
        else:
            changed[message_id] = row
    if changed:
        links = await links_of_messages(connection, changed)
        for message_id, row in changed.items():
            found[message_id] = Message(row["account_id"], row["message_no"], row["version"], links[message_id])
    return found


async def links_of_messages(
    connection: PoolConnectionProxy, message_ids: Collection[UUID]
) -> defaultdict[UUID, list[Link]]:
    """All links that the messages ever had, by number."""
    links: defaultdict[UUID, list[Link]] = defaultdict(list)
    for row in await connection.fetch(QUERIES["links_of_messages"], list(message_ids)):
        labels = map(LinkLabel, row["label_ids"], row["label_names"], row["labels_put_by"])
        links[row["message_id"]].append(
            Link(row["link_id"], row["number"], row["url"], row["text"], row["reason"], row["present"], tuple(labels))
        )
    return links


async def read_message(connection: PoolConnectionProxy, account_id: int, message_id: UUID) -> StoredMessage | None:
    """The message, if the account has it. Read in a transaction, for it takes two statements."""
    row = await connection.fetchrow(QUERIES["read_message"], account_id, message_id)
    if row is None:
        return None
    links = (await links_of_messages(connection, [message_id]))[message_id]
    return StoredMessage(
        message_id,
        account_id,
        row["name"],
        row["revision"],
        row["version"],
        row["created_at"],
        row["changed_at"],
        links,
        row["link_ids"],
    )


async def insert_message(
    connection: PoolConnectionProxy, account_id: int, message_id: UUID, name: str, now: datetime
) -> StoredMessage:
    """A message without a revision; one has to follow in the same transaction."""
    await connection.execute(QUERIES["insert_message"], message_id, account_id, name, now)
    return StoredMessage(message_id, account_id, name, 0, 0, now, now, (), ())


async def insert_revision(connection: PoolConnectionProxy, message: StoredMessage, html: str, revised: Revised) -> None:
    """Writes a new revision of `message`, which is as it will be."""
    links = revised.links
    await connection.execute(
        QUERIES["write_links"],
        message.message_id,
        [link.id for link in links],
        [link.number for link in links],
        [link.url for link in links],
        [link.text for link in links],
        [link.reason for link in links],
        [link.present for link in links],
    )
    await connection.execute(
        QUERIES["insert_revision"],
        message.message_id,
        message.revision,
        html,
        list(revised.order),
        message.changed_at,
    )
    await change_message(connection, message)


async def change_message(connection: PoolConnectionProxy, message: StoredMessage) -> None:
    """Writes the message's own row."""
    await connection.execute(
        QUERIES["change_message"],
        message.message_id,
        message.name,
        message.revision,
        message.version,
        message.changed_at,
    )


async def replace_link_labels(connection: PoolConnectionProxy, links: Sequence[Link]) -> None:
    """Makes the labels of `links` what they are now."""
    await connection.execute(QUERIES["clear_link_labels"], [link.id for link in links])
    rows = [
        (link.id, place, label.id, label.name, label.by) for link in links for place, label in enumerate(link.labels)
    ]
    if rows:
        await connection.execute(QUERIES["insert_link_labels"], *zip(*rows, strict=True))


async def html_of_message(connection: PoolConnectionProxy, account_id: int, message_id: UUID) -> Html | None:
    """The HTML, if the account has the message."""
    row = await connection.fetchrow(QUERIES["html_of_message"], account_id, message_id)
    return None if row is None else Html(row["revision"], row["html"], row["link_ids"])


async def list_messages(
    connection: PoolConnectionProxy, account_id: int, before: UUID | None, limit: int
) -> list[MessageRow]:
    """Messages of an account, the newest first; those older than `before`."""
    return [MessageRow(**row) for row in await connection.fetch(QUERIES["list_messages"], account_id, before, limit)]


async def count_messages(connection: PoolConnectionProxy, account_id: int) -> int:
    """How many messages the account has."""
    count: int = await connection.fetchval(QUERIES["count_messages"], account_id)
    return count


async def message_number(connection: PoolConnectionProxy, account_id: int, message_id: UUID) -> int | None:
    """The number of a message in the click tables, if the account has it."""
    number: int | None = await connection.fetchval(QUERIES["number_of_message"], account_id, message_id)
    return number
