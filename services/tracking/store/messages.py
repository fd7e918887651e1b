"""Messages, their revisions, links and link labels."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.tracking.domain.blocks import Layout, MarkedBlock, Part
from services.tracking.domain.first_finder import first_places
from services.tracking.domain.intake import Message
from services.tracking.domain.mail import BlockState, Criteria, MailContent, VariantCriterion, block_states
from services.tracking.domain.places import Place
from services.tracking.domain.revisions import Link, LinkLabel, distinct
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message, the ids of its newest revision's links (`order`), and all links that it ever had (`links`)."""

    message_id: UUID
    account_id: int
    name: str
    revision: int
    version: int
    created_at: datetime
    changed_at: datetime
    links: Sequence[Link]
    order: Sequence[UUID]
    content: MailContent = field(default_factory=MailContent)
    layout: Layout = field(default_factory=Layout)
    criteria: Criteria = field(default_factory=dict)
    deleted_at: datetime | None = None

    def links_in_order(self) -> list[Link]:
        """Return the links of the newest revision, in the order of its HTML."""
        by_id = {link.id: link for link in self.links}
        return [by_id[link_id] for link_id in distinct(self.order)]

    def blocks(self) -> list[BlockState]:
        """Return the blocks of the newest revision, with their criteria."""
        return block_states(self.layout, self.content, self.criteria)


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """A revision of a message, with the places of its links (`link_ids` has one id for each place)."""

    version: int
    revision: int
    html: str
    link_ids: Sequence[UUID]
    places: Sequence[Place]
    content: MailContent
    layout: Layout


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
    """Return the existing messages; `known` ones are read again only if they have changed."""
    found: dict[UUID, Message] = {}
    changed: dict[UUID, Record] = {}
    for row in await QUERIES["versions_of_messages"].fetch(connection, message_ids=list(message_ids)):
        message_id = row["message_id"]
        cached = known.get(message_id)
        if cached is not None and cached.version == row["version"]:
            found[message_id] = cached
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
    """Return all links that the messages ever had, by number."""
    links: defaultdict[UUID, list[Link]] = defaultdict(list)
    for row in await QUERIES["links_of_messages"].fetch(connection, message_ids=list(message_ids)):
        labels = map(LinkLabel, row["label_ids"], row["label_names"], row["labels_put_by"])
        links[row["message_id"]].append(
            Link(
                row["link_id"],
                row["number"],
                row["url"],
                row["text"],
                row["reason"],
                row["present"],
                tuple(labels),
                row["tracking"],
                row["target"],
                tuple(row["written"]),
            )
        )
    return links


async def read_message(connection: PoolConnectionProxy, account_id: int, message_id: UUID) -> StoredMessage | None:
    """Return the message, or None if the account has no such message. Runs two statements: call it in a transaction."""
    row = await QUERIES["read_message"].fetchrow(connection, account_id=account_id, message_id=message_id)
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
        _content(row),
        _layout(row["blocks"]),
        (await criteria_of_messages(connection, [message_id]))[message_id],
    )


async def criteria_of_messages(
    connection: PoolConnectionProxy, message_ids: Collection[UUID]
) -> defaultdict[UUID, dict[str, list[VariantCriterion]]]:
    """Return the criteria of the messages' blocks."""
    criteria: defaultdict[UUID, dict[str, list[VariantCriterion]]] = defaultdict(dict)
    for row in await QUERIES["criteria_of_messages"].fetch(connection, message_ids=list(message_ids)):
        criterion = VariantCriterion(row["variant"], orjson.loads(row["criterion"]))
        criteria[row["message_id"]].setdefault(row["block"], []).append(criterion)
    return criteria


async def replace_criteria(
    connection: PoolConnectionProxy, message_id: UUID, block: str, criteria: Sequence[VariantCriterion]
) -> None:
    """Replace the stored criteria of a block with `criteria`, in the order in which they are tried."""
    await QUERIES["clear_criteria"].execute(connection, message_id=message_id, block=block)
    await QUERIES["insert_criteria"].execute(
        connection,
        message_id=message_id,
        block=block,
        variants=[one.variant for one in criteria],
        places=list(range(len(criteria))),
        criteria=[orjson.dumps(one.criterion).decode() for one in criteria],
    )


def _content(row: Record) -> MailContent:
    variants = row["subject_variants"]
    return MailContent(
        row["subject"],
        orjson.loads(variants) if variants else {},
        row["preheader"],
        row["sender_id"],
        row["reply_to"],
        row["plain_text"],
        row["text_is_made"],
    )


def _layout(text: str | None) -> Layout:
    if not text:
        return Layout()
    stored = orjson.loads(text)
    blocks = tuple(
        MarkedBlock(name, tuple(Part(*part) for part in parts), tuple(map(UUID, links)))
        for name, parts, links in stored["blocks"]
    )
    return Layout(blocks, tuple((start, end) for start, end in stored["cuts"]))


def _layout_as_json(layout: Layout) -> str | None:
    if not layout.blocks:
        return None
    blocks = [(block.name, list(map(tuple, block.parts)), list(map(str, block.links))) for block in layout.blocks]
    return orjson.dumps({"blocks": blocks, "cuts": layout.cuts}).decode()


async def insert_message(
    connection: PoolConnectionProxy, account_id: int, message_id: UUID, name: str, now: datetime
) -> StoredMessage:
    """Insert a message without a revision; one must follow in the same transaction."""
    await QUERIES["insert_message"].execute(
        connection, message_id=message_id, account_id=account_id, name=name, now=now
    )
    return StoredMessage(message_id, account_id, name, 0, 0, now, now, (), ())


async def insert_revision(
    connection: PoolConnectionProxy, message: StoredMessage, html: str, places: Sequence[Place]
) -> None:
    """Insert a new revision of `message`, which already has its new values."""
    await write_links(connection, message.message_id, message.links)
    content = message.content
    await QUERIES["insert_revision"].execute(
        connection,
        message_id=message.message_id,
        revision=message.revision,
        html=html,
        link_ids=list(message.order),
        starts=[place.start for place in places],
        ends=[place.end for place in places],
        quoted=[place.quoted for place in places],
        subject=content.subject,
        subject_variants=orjson.dumps(content.subject_variants).decode() if content.subject_variants else None,
        preheader=content.preheader,
        sender_id=content.sender_id,
        reply_to=content.reply_to,
        plain_text=content.text,
        text_is_made=content.text_is_made,
        blocks=_layout_as_json(message.layout),
        created_at=message.changed_at,
    )
    await change_message(connection, message)


async def write_links(connection: PoolConnectionProxy, message_id: UUID, links: Sequence[Link]) -> None:
    """Write links of a message, without their labels."""
    await QUERIES["write_links"].execute(
        connection,
        message_id=message_id,
        link_ids=[link.id for link in links],
        numbers=[link.number for link in links],
        urls=[link.url for link in links],
        texts=[link.text for link in links],
        reasons=[link.guess for link in links],
        present=[link.present for link in links],
        tracking=[link.tracking for link in links],
        targets=[link.target for link in links],
        written=[orjson.dumps(link.written).decode() for link in links],
    )


async def change_message(connection: PoolConnectionProxy, message: StoredMessage) -> None:
    """Update the row of the message."""
    await QUERIES["change_message"].execute(
        connection,
        message_id=message.message_id,
        name=message.name,
        revision=message.revision,
        version=message.version,
        changed_at=message.changed_at,
        deleted_at=message.deleted_at,
    )


async def replace_link_labels(connection: PoolConnectionProxy, links: Sequence[Link]) -> None:
    """Replace the stored labels of `links`."""
    await QUERIES["clear_link_labels"].execute(connection, link_ids=[link.id for link in links])
    labels = [(link.id, index, label) for link in links for index, label in enumerate(link.labels)]
    if labels:
        await QUERIES["insert_link_labels"].execute(
            connection,
            link_ids=[link_id for link_id, _, _ in labels],
            places=[index for _, index, _ in labels],
            label_ids=[label.id for _, _, label in labels],
            names=[label.name for _, _, label in labels],
            put_by=[label.by for _, _, label in labels],
        )


async def read_revision(
    connection: PoolConnectionProxy, account_id: int, message_id: UUID, revision: int | None = None
) -> StoredRevision | None:
    """Return a revision (None: the newest); None if the message or the revision does not exist."""
    row = await QUERIES["revision_of_message"].fetchrow(
        connection, account_id=account_id, message_id=message_id, revision=revision
    )
    if row is None:
        return None
    if row["link_starts"] is None:
        places = [Place(*place) for place in first_places(row["html"])]
    else:
        places = list(map(Place, row["link_starts"], row["link_ends"], row["link_quoted"]))
    return StoredRevision(
        row["version"], row["revision"], row["html"], row["link_ids"], places, _content(row), _layout(row["blocks"])
    )


async def list_messages(
    connection: PoolConnectionProxy, account_id: int, before: UUID | None, limit: int
) -> list[MessageRow]:
    """Return messages of an account that are older than `before`, newest first."""
    rows = await QUERIES["list_messages"].fetch(connection, account_id=account_id, before=before, limit=limit)
    return [MessageRow(**row) for row in rows]


async def count_messages(connection: PoolConnectionProxy, account_id: int) -> int:
    """Return how many messages the account has."""
    count: int = await QUERIES["count_messages"].fetchval(connection, account_id=account_id)
    return count


async def message_number(connection: PoolConnectionProxy, account_id: int, message_id: UUID) -> int | None:
    """Return the number of a message in the click tables, or None if the account has no such message."""
    number: int | None = await QUERIES["number_of_message"].fetchval(
        connection, account_id=account_id, message_id=message_id
    )
    return number
