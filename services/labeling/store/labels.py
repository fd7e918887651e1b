"""Labels of an account."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal, NamedTuple, cast
from uuid import UUID

from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.labeling.store import QUERIES
from shared.events.labeling import LabelChanged


class Label(NamedTuple):
    """A label as it is now. `no` stands for it in rows; the world sees `id`."""

    no: int
    id: UUID
    account_id: int
    name: str
    description: str
    visibility: Literal["public", "private"]
    aliases: tuple[str, ...]
    state: Literal["active", "hidden", "deleted"]
    created_at: datetime


def label_from_row(row: Record) -> Label:
    """A row of `labels`."""
    return Label(
        row["label_no"],
        UUID(int=row["label_id"].int),
        row["account_id"],
        row["name"],
        row["description"],
        cast("Any", row["visibility"]),
        tuple(row["aliases"]),
        cast("Any", row["state"]),
        row["created_at"],
    )


def told(label: Label, at: datetime) -> LabelChanged:
    """The event that tells the label whole."""
    return LabelChanged(
        occurred_at=at,
        account_id=label.account_id,
        label_id=label.id,
        label_name=label.name,
        description=label.description,
        visibility=label.visibility,
        aliases=label.aliases,
        state=label.state,
    )


async def labels_of_ids(connection: PoolConnectionProxy, label_ids: Collection[UUID]) -> dict[UUID, Label]:
    """The labels with these ids, of any account and state."""
    rows = await connection.fetch(QUERIES["labels_of_ids"], list(label_ids)) if label_ids else []
    return {label.id: label for label in map(label_from_row, rows)}
