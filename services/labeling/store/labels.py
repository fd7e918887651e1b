"""Labels of accounts."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy
from uuid_utils.compat import uuid7

from services.labeling.domain.labels import NO_NAMES, Label, Visibility, name_key
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


def _label(row: Record) -> Label:
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
        row["label_group"],
        orjson.loads(row["names"]),
        None if row["target_id"] is None else UUID(int=row["target_id"].int),
        row["label_order"],
    )


async def labels_of_ids(connection: PoolConnectionProxy, label_ids: Collection[UUID]) -> dict[UUID, Label]:
    """Return the labels with these ids, of any account and in any state, by the requested id.

    A merged label is resolved to the one that it was merged into.
    """
    rows = await QUERIES["labels_of_ids"].fetch(connection, label_ids=list(label_ids)) if label_ids else []
    return {UUID(int=row["asked_id"].int): _label(row) for row in rows}


async def labels_of_names(connection: PoolConnectionProxy, account_id: int, names: Collection[str]) -> dict[str, Label]:
    """Return the labels with these names or aliases, compared ignoring case, by the requested name."""
    keys = {name: name_key(name) for name in names}
    if not keys:
        return {}
    rows = await QUERIES["labels_of_names"].fetch(connection, account_id=account_id, keys=sorted(set(keys.values())))
    labels = {row["wanted_key"]: _label(row) for row in rows}
    return {name: labels[key] for name, key in keys.items() if key in labels}


async def label_of_id(connection: PoolConnectionProxy, account_id: int, label_id: UUID) -> Label | None:
    """Return a label of the account in any state, or None."""
    row = await QUERIES["label_of_id"].fetchrow(connection, account_id=account_id, label_id=label_id)
    return None if row is None else _label(row)


async def labels_of_account(
    connection: PoolConnectionProxy, account_id: int, name: str | None, after: UUID | None, limit: int
) -> tuple[list[Label], int]:
    """Return a page of the account's labels, oldest first, and the number of all.

    With `name`, only the label with this name is returned and counted.
    """
    key = None if name is None else name_key(name)
    rows = await QUERIES["labels_of_account"].fetch(
        connection, account_id=account_id, name_key=key, after=after, limit=limit
    )
    total = await QUERIES["count_labels"].fetchval(connection, account_id=account_id, name_key=key)
    return [_label(row) for row in rows], total


async def insert_label(
    connection: PoolConnectionProxy,
    account_id: int,
    name: str,
    description: str,
    visibility: Visibility,
    group: str | None = None,
    names: Mapping[str, str] = NO_NAMES,
    order: int = 0,
) -> Label | None:
    """Insert a label; return None if the account has one of this name."""
    row = await QUERIES["insert_label"].fetchrow(
        connection,
        label_id=uuid7(),
        account_id=account_id,
        name=name,
        name_key=name_key(name),
        description=description,
        visibility=visibility,
        label_group=group,
        names=orjson.dumps(dict(names)).decode(),
        label_order=order,
    )
    return None if row is None else _label(row)


async def update_label(connection: PoolConnectionProxy, label: Label, at: datetime) -> bool:
    """Write the state of a label; return False if another label of the account has its name."""
    updated = await QUERIES["update_label"].execute(
        connection,
        no=label.no,
        name=label.name,
        name_key=name_key(label.name),
        description=label.description,
        visibility=label.visibility,
        aliases=label.aliases,
        alias_keys=[name_key(alias) for alias in label.aliases],
        state=label.state,
        label_group=label.group,
        names=orjson.dumps(dict(label.names)).decode(),
        label_order=label.order,
        at=at,
    )
    return updated == 1


async def public_labels(connection: PoolConnectionProxy, account_id: int) -> list[Label]:
    """Return the labels that contacts see and may choose, by group and order."""
    rows = await QUERIES["public_labels"].fetch(connection, account_id=account_id)
    return [_label(row) for row in rows]


async def set_merged_into(connection: PoolConnectionProxy, label_no: int, target_no: int) -> None:
    """Make a label, and the labels that were merged into it before, resolve to another label."""
    await QUERIES["set_merged_into"].execute(connection, no=label_no, target_no=target_no)
