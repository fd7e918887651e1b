"""Exports, and the rows that they write."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy
from pyroaring import BitMap

from services.labeling.store.files import delete_file
from shared.store.queries import Executor, queries_of

QUERIES = queries_of(__file__)

ExportFormat = Literal["csv", "csv_excel", "xlsx", "ndjson"]
ExportState = Literal["queued", "running", "done", "failed", "cancelled"]


class Export(NamedTuple):
    """An export. `of` is as in the API; `members` are the contacts in its file."""

    id: UUID
    account_id: int
    of: dict[str, Any]
    format: ExportFormat
    columns: list[str]
    job_id: UUID
    file_id: UUID | None
    state: ExportState
    members: BitMap
    erased_meanwhile: bool
    rows: int
    size: int
    failure: str | None
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None


class ExportRow(NamedTuple):
    """A contact with its labels: by number, whether the label is held, the number of clicks and the last click."""

    contact_id: int
    external_id: str | None
    email: str | None
    subscription: str
    language: str | None
    fields: dict[str, Any]
    labels: dict[int, tuple[bool, int, datetime | None]]


def _export(row: Record) -> Export:
    values = dict(row)
    values["of"] = orjson.loads(values["of"])
    values["members"] = BitMap() if values["members"] is None else BitMap.deserialize(values["members"])
    values["job_id"] = UUID(int=values["job_id"].int)
    values["file_id"] = None if values["file_id"] is None else UUID(int=values["file_id"].int)
    return Export(UUID(int=values.pop("export_id").int), **values)


async def insert_export(
    connection: PoolConnectionProxy,
    export_id: UUID,
    account_id: int,
    of: Mapping[str, Any],
    format_: ExportFormat,
    columns: Sequence[str],
    job_id: UUID,
) -> Export:
    """Insert an export in state `queued`."""
    row = await QUERIES["insert_export"].fetchrow(
        connection,
        export_id=export_id,
        account_id=account_id,
        of=orjson.dumps(of).decode(),
        format=format_,
        columns=list(columns),
        job_id=job_id,
    )
    assert row is not None
    return _export(row)


async def export_of_id(connection: Executor, account_id: int, export_id: UUID) -> Export | None:
    """Return an export of the account, or None."""
    row = await QUERIES["export_of_id"].fetchrow(connection, account_id=account_id, export_id=export_id)
    return None if row is None else _export(row)


async def exports_of_account(connection: Executor, account_id: int, before: UUID | None, limit: int) -> list[Export]:
    """Return a page of the account's exports, newest first."""
    rows = await QUERIES["exports_of_account"].fetch(connection, account_id=account_id, before=before, limit=limit)
    return [_export(row) for row in rows]


async def lock_export(connection: PoolConnectionProxy, export_id: UUID) -> Export | None:
    """Return an export, locked until the end of the transaction, or None."""
    row = await QUERIES["lock_export"].fetchrow(connection, export_id=export_id)
    return None if row is None else _export(row)


async def update_export(connection: PoolConnectionProxy, export: Export) -> None:
    """Write the state of an export."""
    await QUERIES["update_export"].execute(
        connection,
        export_id=export.id,
        state=export.state,
        file_id=export.file_id,
        members=export.members.serialize(),
        rows=export.rows,
        size=export.size,
        failure=export.failure,
    )


async def delete_export(connection: PoolConnectionProxy, export: Export) -> None:
    """Delete an export with its file."""
    if export.file_id is not None:
        await delete_file(connection, export.file_id)
    await QUERIES["delete_export"].execute(connection, export_id=export.id)


async def begin_file(
    connection: PoolConnectionProxy,
    file_id: UUID,
    account_id: int,
    filename: str,
    media_type: str,
    expires_at: datetime,
) -> None:
    """Begin a file that steps of a job write; it can be downloaded once its export is done."""
    await QUERIES["insert_growing_file"].execute(
        connection,
        file_id=file_id,
        account_id=account_id,
        filename=filename,
        media_type=media_type,
        expires_at=expires_at,
    )


async def forget_in_exports(connection: PoolConnectionProxy, account_id: int, contact_id: int) -> None:
    """Delete the files that contain a contact; exports that are being written with it will fail."""
    rows = await QUERIES["exports_with_members"].fetch(connection, account_id=account_id)
    affected = [row for row in rows if contact_id in BitMap.deserialize(row["members"])]
    for row in affected:
        if row["state"] == "done" and row["file_id"] is not None:
            await delete_file(connection, row["file_id"])
    await QUERIES["mark_erased"].execute(connection, export_ids=[row["export_id"] for row in affected])


async def next_ids(
    connection: PoolConnectionProxy,
    source: Literal["all", "label", "import"],
    *,
    after: int,
    limit: int,
    **parameters: Any,
) -> list[int]:
    """Return the next contacts of a source, identified by the parameter `account_id`, `label_no` or `import_id`."""
    rows = await QUERIES[f"{source}_ids"].fetch(connection, after=after, limit=limit, **parameters)
    return [row["contact_id"] for row in rows]


async def count_contacts(connection: PoolConnectionProxy, account_id: int) -> int:
    """Count the contacts of an account."""
    count: int = await QUERIES["count_contacts"].fetchval(connection, account_id=account_id)
    return count


async def export_rows(
    connection: PoolConnectionProxy, account_id: int, contact_ids: Sequence[int], label_nos: Sequence[int]
) -> list[ExportRow]:
    """Return the existing contacts with the requested labels; `contact_ids` must be ascending."""
    if not contact_ids:
        return []
    rows = await QUERIES["export_rows"].fetch(
        connection,
        account_id=account_id,
        contact_ids=contact_ids,
        label_nos=label_nos,
        first=contact_ids[0],
        last=contact_ids[-1],
    )
    return [_row(row) for row in rows]


def _row(row: Record) -> ExportRow:
    contact_id, external_id, email, subscription, language, fields, *_ = row
    return ExportRow(contact_id, external_id, email, subscription, language, orjson.loads(fields), _labels(row))


def _labels(row: Record) -> dict[int, tuple[bool, int, datetime | None]]:
    if row["label_nos"] is None:
        return {}
    columns = zip(row["held"], row["clicks"], row["last_clicks"], strict=True)
    return dict(zip(row["label_nos"], columns, strict=True))
