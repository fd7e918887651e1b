"""Imports and their state."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from shared.store.queries import Executor, queries_of

QUERIES = queries_of(__file__)

ImportState = Literal["uploaded", "checking", "checked", "running", "done", "cancelled", "failed", "undoing", "undone"]


class Import(NamedTuple):
    """An import. `columns`, `options` and `summary` have the API's form; `format` also has `skip` and `width`."""

    id: UUID
    account_id: int
    key_id: UUID | None
    filename: str
    size: int
    state: ImportState
    format: dict[str, Any]
    columns: list[dict[str, Any]]
    options: dict[str, Any]
    hash_key: bytes
    file_id: UUID | None
    generation: int
    checked_generation: int
    job_id: UUID | None
    summary: dict[str, Any] | None
    result: dict[str, Any] | None
    undo_result: dict[str, Any] | None
    failure: str | None
    created_at: datetime
    changed_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def _uuid(value: UUID | None) -> UUID | None:
    return None if value is None else UUID(int=value.int)


def _decode(value: str | None) -> Any:  # noqa: ANN401 - any JSON
    return None if value is None else orjson.loads(value)


def _encode(value: Mapping[str, Any] | Sequence[Any]) -> str:
    return orjson.dumps(value).decode()


def _import(row: Record) -> Import:
    values = dict(row)
    for name in ("format", "columns", "options", "summary", "result", "undo_result"):
        values[name] = _decode(values[name])
    for name in ("file_id", "job_id", "key_id"):
        values[name] = _uuid(values[name])
    return Import(UUID(int=values.pop("import_id").int), **values)


def _optional_import(row: Record | None) -> Import | None:
    return None if row is None else _import(row)


async def insert_import(
    connection: Executor,
    *,
    import_id: UUID,
    account_id: int,
    key_id: UUID | None,
    filename: str,
    size: int,
    format_: Mapping[str, Any],
    columns: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    hash_key: bytes,
    file_id: UUID,
) -> Import:
    """Insert an import in state `uploaded`."""
    row = await QUERIES["insert_import"].fetchrow(
        connection,
        import_id=import_id,
        account_id=account_id,
        key_id=key_id,
        filename=filename,
        size=size,
        format=_encode(format_),
        columns=_encode(columns),
        options=_encode(options),
        hash_key=hash_key,
        file_id=file_id,
    )
    assert row is not None
    return _import(row)


async def import_of_id(connection: Executor, account_id: int, import_id: UUID) -> Import | None:
    """Return an import of the account, or None."""
    return _optional_import(
        await QUERIES["import_of_id"].fetchrow(connection, account_id=account_id, import_id=import_id)
    )


async def lock_import(connection: PoolConnectionProxy, account_id: int, import_id: UUID) -> Import | None:
    """Return an import of the account, locked until the end of the transaction, or None."""
    return _optional_import(
        await QUERIES["lock_import"].fetchrow(connection, account_id=account_id, import_id=import_id)
    )


async def imports_of_account(
    connection: Executor, account_id: int, before: UUID | None, state: str | None, limit: int
) -> list[Import]:
    """Return a page of the account's imports, newest first."""
    rows = await QUERIES["imports_of_account"].fetch(
        connection, account_id=account_id, before=before, state=state, limit=limit
    )
    return [_import(row) for row in rows]


async def begin_check(
    connection: PoolConnectionProxy,
    import_id: UUID,
    job_id: UUID,
    format_: Mapping[str, Any],
    columns: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
) -> Import:
    """Set state `checking`, and begin a new generation of rows."""
    row = await QUERIES["begin_check"].fetchrow(
        connection,
        import_id=import_id,
        job_id=job_id,
        format=_encode(format_),
        columns=_encode(columns),
        options=_encode(options),
    )
    assert row is not None
    return _import(row)


async def set_job(
    connection: PoolConnectionProxy, import_id: UUID, state: Literal["running", "undoing"], job_id: UUID
) -> Import:
    """Set the state, and the import's job."""
    row = await QUERIES["set_job"].fetchrow(connection, import_id=import_id, state=state, job_id=job_id)
    assert row is not None
    return _import(row)


async def set_checked(
    connection: PoolConnectionProxy, import_id: UUID, generation: int, summary: Mapping[str, Any]
) -> None:
    """Set state `checked`; from now on the rows are used instead of the file."""
    await QUERIES["set_checked"].execute(
        connection, import_id=import_id, generation=generation, summary=_encode(summary)
    )


async def set_done(connection: PoolConnectionProxy, import_id: UUID, result: Mapping[str, Any]) -> None:
    """Set state `done`."""
    await QUERIES["set_done"].execute(connection, import_id=import_id, result=_encode(result))


async def set_undone(connection: PoolConnectionProxy, import_id: UUID, result: Mapping[str, Any]) -> None:
    """Set state `undone`."""
    await QUERIES["set_undone"].execute(connection, import_id=import_id, result=_encode(result))


async def set_stopped(
    connection: PoolConnectionProxy, import_id: UUID, job_id: UUID, state: str, failure: str | None
) -> None:
    """Set state `cancelled` or `failed` of an import whose job was stopped."""
    await QUERIES["set_stopped"].execute(connection, import_id=import_id, job_id=job_id, state=state, failure=failure)


async def set_cancelled(connection: PoolConnectionProxy, import_id: UUID) -> None:
    """Set state `cancelled` of an import without a job."""
    await QUERIES["set_cancelled"].execute(connection, import_id=import_id)


async def delete_import(connection: PoolConnectionProxy, import_id: UUID) -> None:
    """Delete an import with all its data."""
    await delete_contents(connection, import_id)
    await QUERIES["delete_import"].execute(connection, import_id=import_id)


async def delete_contents(connection: PoolConnectionProxy, import_id: UUID) -> None:
    """Delete rows, errors and effects of an import."""
    largest_integer = 2**31 - 1
    await QUERIES["delete_deals"].execute(connection, import_id=import_id)
    await QUERIES["delete_effects"].execute(connection, import_id=import_id)
    await QUERIES["delete_errors"].execute(connection, import_id=import_id, generation=largest_integer)
    await QUERIES["delete_rows"].execute(
        connection, import_id=import_id, generation=largest_integer, limit=largest_integer
    )


async def old_imports(connection: Executor, before: datetime) -> list[UUID]:
    """Return imports whose rows and effects are older than `before`."""
    return [row["import_id"] for row in await QUERIES["old_imports"].fetch(connection, before=before)]
