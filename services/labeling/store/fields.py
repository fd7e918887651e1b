"""Fields of an account."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, cast

from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.fields import Field
from services.labeling.store import QUERIES
from shared.events.labeling import FieldChanged, FieldType
from shared.store.unit_of_work import UnitOfWork


async def fields_of_accounts(
    connection: PoolConnectionProxy, account_ids: Collection[int]
) -> dict[int, dict[str, Field]]:
    """The fields that there are, by account and key."""
    found: dict[int, dict[str, Field]] = {account_id: {} for account_id in account_ids}
    for row in await connection.fetch(QUERIES["fields_of_accounts"], list(account_ids)):
        found[row["account_id"]][row["key"]] = Field(row["key"], row["name"], row["type"], tuple(row["choices"]))
    return found


class FieldRow(NamedTuple):
    """A field as it is stored; one that is deleted stays until no contact has a value of it."""

    account_id: int
    field: Field
    deleted: bool


def field_from_row(row: Record) -> FieldRow:
    """A row of `fields`."""
    field = Field(row["key"], row["name"], cast("FieldType", row["type"]), tuple(row["choices"]))
    return FieldRow(row["account_id"], field, row["state"] == "deleted")


async def field_of_key(connection: PoolConnectionProxy, account_id: int, key: str) -> FieldRow | None:
    """A field of the account, also one that is being deleted."""
    row = await connection.fetchrow(QUERIES["field_of_key"], account_id, key)
    return None if row is None else field_from_row(row)


async def add_field(work: UnitOfWork, account_id: int, field: Field) -> FieldRow | None:
    """A new field; tells it. None if the key is taken."""
    row = await work.connection.fetchrow(QUERIES["add_field"], account_id, *field[:3], list(field.choices))
    return None if row is None else _told(work, field_from_row(row))


async def change_field(
    work: UnitOfWork, before: FieldRow, name: str, choices: Sequence[str], *, deleted: bool = False
) -> FieldRow:
    """Changes a field and tells it."""
    state = "deleted" if deleted else "active"
    row = await work.connection.fetchrow(
        QUERIES["change_field"], before.account_id, before.field.key, name, list(choices), state
    )
    assert row is not None
    return _told(work, field_from_row(row))


def _told(work: UnitOfWork, row: FieldRow) -> FieldRow:
    work.append(
        FieldChanged(
            occurred_at=work.now,
            account_id=row.account_id,
            field_key=row.field.key,
            field_name=row.field.name,
            field_type=row.field.type,
            choices=row.field.choices,
            state="deleted" if row.deleted else "active",
        )
    )
    return row
