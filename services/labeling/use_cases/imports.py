"""The commands of imports: map, check, start, cancel, undo, delete."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.errors import InvalidError, NotFoundError, StateError
from services.labeling.domain.imports.options import check_mapping, options_from
from services.labeling.domain.tables.reading import Format
from services.labeling.store import import_rows, imports
from services.labeling.store.fields import fields_of_accounts
from services.labeling.store.files import KEPT, delete_expired_files, delete_file
from services.labeling.store.imports import Import
from services.labeling.store.labels import labels_of_ids
from services.labeling.use_cases.import_undo import preview
from shared.jobs.store import enqueue, request_cancel
from shared.store.database import Database

RECHECKABLE = frozenset({"uploaded", "checking", "checked", "cancelled", "failed"})
UNDOABLE = frozenset({"done", "cancelled", "failed"})
WORKING = frozenset({"checking", "running", "undoing"})


async def find_import(connection: PoolConnectionProxy, account_id: int, import_id: UUID) -> Import:
    """Return an import of the account. Raises NotFoundError."""
    an_import = await imports.import_of_id(connection, account_id, import_id)
    if an_import is None:
        raise NotFoundError("import")
    return an_import


async def _lock(connection: PoolConnectionProxy, account_id: int, import_id: UUID) -> Import:
    an_import = await imports.lock_import(connection, account_id, import_id)
    if an_import is None:
        raise NotFoundError("import")
    return an_import


async def check_import(
    database: Database,
    account_id: int,
    import_id: UUID,
    mapping: Mapping[int, Any],
    options: Mapping[str, Any],
    format_: Mapping[str, Any],
) -> Import:
    """Change mapping, options and format, and queue a check of the rows; absent members stay unchanged.

    Raises InvalidError with a pointer, and StateError once the import was started.
    """
    async with database.transaction() as connection:
        an_import = await _lock(connection, account_id, import_id)
        if an_import.state not in RECHECKABLE or an_import.started_at is not None:
            raise StateError(f"The import is {an_import.state}; only an import that was not started can be checked.")
        columns = _with_mapping(an_import.columns, mapping)
        fields = (await fields_of_accounts(connection, [account_id]))[account_id]
        try:
            check_mapping(columns, fields)
        except InvalidError as error:
            raise InvalidError(error.detail, f"/columns{error.pointer}") from None
        new_options = {**an_import.options, **options}
        await _check_labels(connection, account_id, new_options)
        if an_import.file_id is None and an_import.checked_generation == 0:
            raise StateError("The file was deleted. Upload it again.")
        if format_ and an_import.file_id is None:
            raise StateError("The file has been read already. Upload it again to change its format.")
        if an_import.state == "checking" and an_import.job_id is not None:
            await request_cancel(connection, account_id, an_import.job_id)
        new_format = {**an_import.format, **format_}
        job = await enqueue(connection, account_id, "import_check", str(import_id))
        return await imports.begin_check(connection, import_id, job.id, new_format, columns, new_options)


def _with_mapping(columns: Sequence[Mapping[str, Any]], mapping: Mapping[int, Any]) -> list[dict[str, Any]]:
    indexes = {column["index"] for column in columns}
    for place, index in enumerate(mapping):
        if index not in indexes:
            raise InvalidError(f"the table has no column {index}", f"/columns/{place}/index")
    return [{**column, "maps_to": mapping.get(column["index"], column["maps_to"])} for column in columns]


async def _check_labels(connection: PoolConnectionProxy, account_id: int, options: Mapping[str, Any]) -> None:
    label_ids = options_from(options).add_labels
    labels = await labels_of_ids(connection, label_ids)
    for index, label_id in enumerate(label_ids):
        label = labels.get(label_id)
        if label is None or label.account_id != account_id or label.state == "deleted":
            raise InvalidError("there is no such label", f"/options/add_labels/{index}")


async def start_import(database: Database, account_id: int, import_id: UUID) -> Import:
    """Start a checked import.

    Starting a running or finished import changes nothing. Raises InvalidError if the subscription of new contacts was
    not chosen, StateError if the import is not checked.
    """
    async with database.transaction() as connection:
        an_import = await _lock(connection, account_id, import_id)
        if an_import.state in ("running", "done"):
            return an_import
        if an_import.state != "checked":
            raise StateError(f"The import is {an_import.state}; it must be checked before it is started.")
        if (an_import.summary or {}).get("create") and options_from(an_import.options).subscription is None:
            detail = "specify whether new contacts are subscribed or unconfirmed, and the legal basis"
            raise InvalidError(detail, "/options/subscription")
        job = await enqueue(connection, account_id, "import_run", str(import_id))
        return await imports.set_job(connection, import_id, "running", job.id)


async def cancel_import(database: Database, account_id: int, import_id: UUID) -> Import:
    """Cancel an import; its effects stay. Raises StateError if there is nothing to cancel."""
    async with database.transaction() as connection:
        an_import = await _lock(connection, account_id, import_id)
        if an_import.state in ("uploaded", "checked"):
            await imports.set_cancelled(connection, import_id)
        elif an_import.state in ("checking", "running") and an_import.job_id is not None:
            await request_cancel(connection, account_id, an_import.job_id)
        elif an_import.state != "cancelled":
            raise StateError(f"The import is {an_import.state}; there is nothing to cancel.")
        return await find_import(connection, account_id, import_id)


async def undo_import(database: Database, account_id: int, import_id: UUID, *, erase_created: bool) -> Import:
    """Undo an import. Raises StateError if it has not run, or if it ran more than 7 days ago."""
    async with database.transaction() as connection:
        an_import = await _lock(connection, account_id, import_id)
        if an_import.state in ("undoing", "undone"):
            return an_import
        await _check_undoable(connection, an_import)
        total = await import_rows.count_effects(connection, import_id)
        job = await enqueue(
            connection, account_id, "import_undo", str(import_id), {"erase_created": erase_created}, total
        )
        return await imports.set_job(connection, import_id, "undoing", job.id)


async def preview_undo(database: Database, account_id: int, import_id: UUID, *, erase_created: bool) -> dict[str, int]:
    """Return the counts that undoing would have. Raises StateError like `undo_import`."""
    async with database.pool.acquire() as connection:
        an_import = await find_import(connection, account_id, import_id)
        await _check_undoable(connection, an_import)
    return await preview(database, an_import, erase=erase_created)


async def _check_undoable(connection: PoolConnectionProxy, an_import: Import) -> None:
    if an_import.state not in UNDOABLE or an_import.started_at is None:
        raise StateError(f"The import is {an_import.state}; only an import that has run can be undone.")
    if datetime.now(UTC) - an_import.started_at > KEPT:
        raise StateError("An import can be undone for 7 days.")


async def delete_import(database: Database, account_id: int, import_id: UUID) -> None:
    """Delete an import with its rows; its effects stay. Raises StateError while it has a running job."""
    async with database.transaction() as connection:
        an_import = await _lock(connection, account_id, import_id)
        if an_import.state in WORKING:
            raise StateError(f"The import is {an_import.state}; cancel it first.")
        if an_import.file_id is not None:
            await delete_file(connection, an_import.file_id)
        await imports.delete_import(connection, import_id)


async def tidy_up(database: Database, now: datetime) -> None:
    """Delete files that have expired, and the rows and effects of imports that are older than 7 days."""
    await delete_expired_files(database.pool, now)
    for import_id in await imports.old_imports(database.pool, now - KEPT):
        async with database.transaction() as connection:
            await imports.delete_contents(connection, import_id)


def shown_format(an_import: Import) -> dict[str, Any]:
    """Return the format of an import as the API shows it."""
    format_ = Format.of(an_import.format)
    is_text = format_.kind == "csv"
    return {
        "kind": format_.kind,
        "encoding": format_.encoding if is_text or format_.kind == "ndjson" else None,
        "delimiter": format_.delimiter if is_text else None,
        "header": format_.header > 0 or format_.kind == "ndjson",
    }
