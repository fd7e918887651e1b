"""Labels of an account."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal, NamedTuple, cast
from uuid import UUID

from asyncpg import Record, UniqueViolationError
from asyncpg.pool import PoolConnectionProxy
from uuid_utils.compat import uuid7

from services.labeling.domain.labels import aliases_after_rename, name_key
from services.labeling.store import QUERIES
from shared.events.labeling import LabelChanged
from shared.store.unit_of_work import UnitOfWork


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


class LabelPatch(NamedTuple):
    """What may change of a label; None leaves it as it is."""

    name: str | None = None
    description: str | None = None
    visibility: Literal["public", "private"] | None = None
    state: Literal["active", "hidden", "deleted"] | None = None


async def labels_of_ids(connection: PoolConnectionProxy, label_ids: Collection[UUID]) -> dict[UUID, Label]:
    """The labels with these ids, of any account and state."""
    rows = await connection.fetch(QUERIES["labels_of_ids"], list(label_ids)) if label_ids else []
    return {label.id: label for label in map(label_from_row, rows)}


async def labels_of_names(connection: PoolConnectionProxy, account_id: int, names: Collection[str]) -> dict[str, Label]:
    """The labels that people mean by `names` (names or aliases, without case), by the name given."""
    keys = {name: name_key(name) for name in names}
    rows = await connection.fetch(QUERIES["labels_of_names"], account_id, sorted(set(keys.values()))) if keys else []
    found = {row["wanted_key"]: label_from_row(row) for row in rows}
    return {name: found[key] for name, key in keys.items() if key in found}


async def label_of_id(connection: PoolConnectionProxy, account_id: int, label_id: UUID) -> Label | None:
    """A label of the account, in any state."""
    row = await connection.fetchrow(QUERIES["label_of_id"], account_id, label_id)
    return None if row is None else label_from_row(row)


async def add_label(
    work: UnitOfWork, account_id: int, name: str, description: str, visibility: Literal["public", "private"]
) -> Label | None:
    """A new label; tells it. None if the account has one of this name."""
    try:
        async with work.connection.transaction():
            row = await work.connection.fetchrow(
                QUERIES["add_label"], uuid7(), account_id, name, name_key(name), description, visibility
            )
    except UniqueViolationError:
        return None
    assert row is not None
    return _told(work, label_from_row(row))


async def change_label(work: UnitOfWork, label: Label, patch: LabelPatch) -> Label | None:
    """Changes a label and tells it; the old name stays as an alias. None if another label has the new name."""
    name = label.name if patch.name is None else patch.name
    aliases = aliases_after_rename(label.name, name, label.aliases)
    try:
        async with work.connection.transaction():
            row = await work.connection.fetchrow(
                QUERIES["change_label"],
                label.account_id,
                label.id,
                name,
                name_key(name),
                label.description if patch.description is None else patch.description,
                patch.visibility or label.visibility,
                aliases,
                [name_key(alias) for alias in aliases],
                patch.state or label.state,
                work.now,
            )
    except UniqueViolationError:
        return None
    assert row is not None
    return _told(work, label_from_row(row))


def _told(work: UnitOfWork, label: Label) -> Label:
    work.append(
        LabelChanged(
            occurred_at=work.now,
            account_id=label.account_id,
            label_id=label.id,
            label_name=label.name,
            description=label.description,
            visibility=label.visibility,
            aliases=label.aliases,
            state=label.state,
        )
    )
    return label
