"""Fields of accounts."""

from collections.abc import Collection
from typing import Literal, cast

from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.fields import Field
from shared.events.labeling import FieldType
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)


def _field(row: Record) -> Field:
    return Field(row["key"], row["name"], cast("FieldType", row["type"]), tuple(row["choices"]))


async def fields_of_accounts(
    connection: PoolConnectionProxy, account_ids: Collection[int]
) -> dict[int, dict[str, Field]]:
    """Return the active fields by account and key."""
    fields: dict[int, dict[str, Field]] = {account_id: {} for account_id in account_ids}
    for row in await QUERIES["fields_of_accounts"].fetch(connection, account_ids=list(account_ids)):
        fields[row["account_id"]][row["key"]] = _field(row)
    return fields


async def fields_of_account(
    connection: PoolConnectionProxy, account_id: int, after: str | None, limit: int
) -> tuple[list[Field], int]:
    """Return a page of the account's fields by key, and the number of all."""
    rows = await QUERIES["fields_of_account"].fetch(connection, account_id=account_id, after=after, limit=limit)
    total = await QUERIES["count_fields"].fetchval(connection, account_id=account_id)
    return [_field(row) for row in rows], total


async def field_of_key(connection: PoolConnectionProxy, account_id: int, key: str) -> Field | None:
    """Return an active field of the account, or None."""
    row = await QUERIES["field_of_key"].fetchrow(connection, account_id=account_id, key=key)
    return None if row is None else _field(row)


async def insert_field(connection: PoolConnectionProxy, account_id: int, field: Field) -> bool:
    """Insert a field; return False if the key is used, also by a field whose values are still being removed."""
    inserted = await QUERIES["insert_field"].execute(
        connection,
        account_id=account_id,
        key=field.key,
        name=field.name,
        type=field.type,
        choices=list(field.choices),
    )
    return inserted == 1


async def update_field(
    connection: PoolConnectionProxy, account_id: int, field: Field, state: Literal["active", "deleted"] = "active"
) -> None:
    """Write name, choices and state of a field."""
    await QUERIES["update_field"].execute(
        connection, account_id=account_id, key=field.key, name=field.name, choices=list(field.choices), state=state
    )


async def delete_field(connection: PoolConnectionProxy, account_id: int, key: str) -> None:
    """Delete the row of a field in state `deleted`; its key is free afterwards."""
    await QUERIES["delete_field"].execute(connection, account_id=account_id, key=key)
