"""Create, change and delete fields."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.errors import ConflictError, InvalidError, LimitError, NotFoundError
from services.labeling.domain.fields import Field, field_choices
from services.labeling.domain.limits import MOST_FIELDS
from services.labeling.store import fields
from shared.events.labeling import FieldChanged
from shared.events.topics import CATALOG_PARTITION
from shared.jobs.job import Job
from shared.jobs.store import enqueue
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork


class WrittenField(NamedTuple):
    """A field that was created or changed, and the position of its event."""

    field: Field
    position: int | None


class DeletedField(NamedTuple):
    """The job that removes the values of a deleted field, and the position of the field's event."""

    job: Job
    position: int | None


async def find_field(connection: PoolConnectionProxy, account_id: int, key: str) -> Field:
    """Return a field of the account. Raises NotFoundError."""
    field = await fields.field_of_key(connection, account_id, key)
    if field is None:
        raise NotFoundError("field")
    return field


async def create_field(database: Database, account_id: int, field: Field) -> WrittenField:
    """Create a field. Raises ConflictError if its key is used, LimitError."""
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        await add_field(work, account_id, field)
    return WrittenField(field, work.position)


async def add_field(work: UnitOfWork, account_id: int, field: Field) -> None:
    """Create a field within a unit of work. Raises ConflictError if its key is used, LimitError."""
    _, count = await fields.fields_of_account(work.connection, account_id, None, 1)
    if count >= MOST_FIELDS:
        raise LimitError("fields", MOST_FIELDS)
    if not await fields.insert_field(work.connection, account_id, field):
        detail = "another field has this key, or values of a deleted field with this key are still being removed"
        raise ConflictError("The key is taken.", "/key", detail)
    _append(work, account_id, field)


async def change_field(
    database: Database, account_id: int, key: str, name: str | None, choices: Sequence[str] | None
) -> WrittenField:
    """Change the name or the choices of a field; None means no change. Raises NotFoundError, InvalidError."""
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        field = await find_field(work.connection, account_id, key)
        if name is not None:
            field = field._replace(name=name)
        if choices is not None:
            field = field._replace(choices=_checked_choices(field, choices))
        await fields.update_field(work.connection, account_id, field)
        _append(work, account_id, field)
    return WrittenField(field, work.position)


def _checked_choices(field: Field, choices: Sequence[str]) -> tuple[str, ...]:
    try:
        return field_choices(field.type, choices)
    except InvalidError as error:
        raise InvalidError(error.detail, f"/choices{error.pointer}") from None


async def delete_field(database: Database, account_id: int, key: str) -> DeletedField:
    """Delete a field at once; a job removes its values, and its key is free after that. Raises NotFoundError."""
    async with database.unit_of_work(CATALOG_PARTITION) as work:
        field = await find_field(work.connection, account_id, key)
        await fields.update_field(work.connection, account_id, field, "deleted")
        _append(work, account_id, field, "deleted")
        job = await enqueue(work.connection, account_id, "field_deletion", key)
    return DeletedField(job, work.position)


def _append(work: UnitOfWork, account_id: int, field: Field, state: Literal["active", "deleted"] = "active") -> None:
    work.append(
        FieldChanged(
            occurred_at=work.now,
            account_id=account_id,
            field_key=field.key,
            field_name=field.name,
            field_type=field.type,
            choices=field.choices,
            state=state,
        )
    )
