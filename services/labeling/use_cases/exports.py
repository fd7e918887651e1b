"""Exports: contacts with their fields, labels and interests, written to a file by a job."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy
from pyroaring import BitMap
from uuid_utils.compat import uuid7

from services.labeling.domain.errors import InvalidError, NotFoundError, StateError
from services.labeling.domain.exports import (
    ENDINGS,
    LABELS,
    MEDIA_TYPES,
    USUAL,
    ExportedContact,
    RowWriter,
    check_columns,
)
from services.labeling.domain.labels import Label
from services.labeling.store import exports
from services.labeling.store.assignments import count_holders
from services.labeling.store.exports import Export, ExportFormat, ExportRow, ExportState
from services.labeling.store.fields import fields_of_accounts
from services.labeling.store.files import KEPT, append_piece, complete_file, delete_file
from services.labeling.store.import_rows import count_effects
from services.labeling.store.imports import import_of_id
from services.labeling.store.labels import labels_of_ids
from services.labeling.store.segment_members import members_of
from services.labeling.use_cases.import_plans import all_labels
from services.labeling.use_cases.spreadsheets import write_spreadsheet
from shared.jobs.job import Job, JobFailed
from shared.jobs.lease import Lease
from shared.jobs.store import enqueue, request_cancel
from shared.store.database import Database
from shared.store.unit_of_work import UnitOfWork

BATCH_SIZE = 4_000  # contacts in a piece of the file
MOST_SPREADSHEET_ROWS = 1_048_575  # in addition to the header


class ContactSet(NamedTuple):
    """A set of contacts: `kind` is label, segment, import or all."""

    kind: str
    id: UUID | None

    @classmethod
    def of(cls, of: Mapping[str, Any]) -> "ContactSet":
        """Return the set for the one member of an object of the API, such as `{"label": id}` or `{"all": true}`."""
        ((kind, value),) = of.items()
        return cls(kind, None if kind == "all" else UUID(str(value)))


async def find_export(connection: PoolConnectionProxy, account_id: int, export_id: UUID) -> Export:
    """Return an export of the account. Raises NotFoundError."""
    export = await exports.export_of_id(connection, account_id, export_id)
    if export is None:
        raise NotFoundError("export")
    return export


async def create_export(
    database: Database,
    account_id: int,
    of: Mapping[str, Any],
    format_: ExportFormat,
    columns: Sequence[str] | None,
) -> Export:
    """Queue an export. Raises InvalidError with a pointer for an unknown source or column."""
    async with database.transaction() as connection:
        total = await count_source(connection, account_id, ContactSet.of(of))
        fields = (await fields_of_accounts(connection, [account_id]))[account_id]
        labels = await all_labels(connection, account_id)
        column_names = [*USUAL, *sorted(fields), LABELS] if columns is None else list(columns)
        try:
            check_columns(column_names, fields, [label.id for label in labels])
        except InvalidError as error:
            raise InvalidError(error.detail, f"/columns{error.pointer}") from None
        export_id = uuid7()
        job = await enqueue(connection, account_id, "export", str(export_id), total=total)
        return await exports.insert_export(connection, export_id, account_id, of, format_, column_names, job.id)


async def count_source(connection: PoolConnectionProxy, account_id: int, source: ContactSet) -> int:
    """Return how many contacts a source has now.

    Raises InvalidError if the account has no such label or import. The caller checks that a segment exists: only the
    catalog has the segments.
    """
    if source.id is None:
        return await exports.count_contacts(connection, account_id)
    if source.kind == "label":
        return await count_holders(connection, (await _label(connection, account_id, source.id)).no)
    if source.kind == "import":
        if await import_of_id(connection, account_id, source.id) is None:
            raise InvalidError("there is no such import", "/of/import")
        return await count_effects(connection, source.id)
    return len(await members_of(connection, account_id, source.id) or ())


async def _label(connection: PoolConnectionProxy, account_id: int, label_id: UUID) -> Label:
    label = (await labels_of_ids(connection, [label_id])).get(label_id)
    if label is None or label.account_id != account_id or label.state == "deleted":
        raise InvalidError("there is no such label", "/of/label")
    return label


async def ids_of_source(
    connection: PoolConnectionProxy, account_id: int, source: ContactSet, after: int, limit: int
) -> list[int]:
    """Return up to `limit` ids of contacts of a source that are higher than `after`, ascending."""
    if source.id is None:
        return await exports.next_ids(connection, "all", after=after, limit=limit, account_id=account_id)
    if source.kind == "label":
        label = await _label(connection, account_id, source.id)
        return await exports.next_ids(connection, "label", after=after, limit=limit, label_no=label.no)
    if source.kind == "import":
        return await exports.next_ids(connection, "import", after=after, limit=limit, import_id=source.id)
    members = await members_of(connection, account_id, source.id) or BitMap()
    first = members.rank(after)
    return list(members[first : first + limit])


class ExportRun:
    """Writes a piece of the file in each step; for a spreadsheet, a last step converts the file of delimited text."""

    kind = "export"

    async def step(self, lease: Lease) -> None:
        """Write the next contacts, or finish."""
        job = lease.job
        if job.cursor.get("phase") == "spreadsheet":
            await self._make_spreadsheet(lease)
            return
        async with lease.advance() as advance:
            connection = advance.work.connection
            export = await _lock_running(connection, job)
            source = ContactSet.of(export.of)
            after, piece = advance.cursor.get("contact_id", 0), advance.cursor.get("piece", 0)
            ids = await ids_of_source(connection, job.account_id, source, after, BATCH_SIZE)
            labels = await all_labels(connection, job.account_id)
            writer = RowWriter(export.format, export.columns, {label.id: label.name for label in labels})
            contacts = await _contacts(connection, job.account_id, ids, labels, source)
            content = writer.write(contacts)
            if export.file_id is None:
                export = await _begin_file(connection, export, advance.work.now)
                content = writer.head() + content
            if content and export.file_id is not None:
                await append_piece(connection, export.file_id, piece, content)
            members = export.members | BitMap(contact.contact_id for contact in contacts)
            members.run_optimize()
            is_last = len(ids) < BATCH_SIZE
            state: ExportState = "done" if is_last and export.format != "xlsx" else "running"
            export = export._replace(
                state=state, members=members, rows=export.rows + len(contacts), size=export.size + len(content)
            )
            if state == "done" and export.file_id is not None:
                await complete_file(connection, export.file_id, export.size)
            await exports.update_export(connection, export)
            advance.done += len(ids)
            advance.cursor.update(contact_id=ids[-1] if ids else after, piece=piece + bool(content))
            if is_last and export.format == "xlsx":
                if export.rows > MOST_SPREADSHEET_ROWS:
                    raise JobFailed(f"A spreadsheet can have at most {MOST_SPREADSHEET_ROWS:,} rows. Export as CSV.")
                advance.cursor["phase"] = "spreadsheet"
            elif is_last:
                advance.total = advance.done
                advance.finish(rows=export.rows, bytes=export.size)

    async def _make_spreadsheet(self, lease: Lease) -> None:
        database, job = lease.database, lease.job
        async with database.pool.acquire() as connection:
            export = await exports.export_of_id(connection, job.account_id, UUID(job.subject))
        if export is None or export.file_id is None:
            raise JobFailed("The export was deleted.")
        number_columns = [
            index for index, column in enumerate(export.columns) if await _is_number(database, export, column)
        ]
        spreadsheet = await write_spreadsheet(
            database, export.account_id, export.file_id, _filename(export), MEDIA_TYPES["xlsx"], number_columns
        )
        try:
            async with lease.advance() as advance:
                connection = advance.work.connection
                export = await _lock_running(connection, job)
                if export.file_id is not None:
                    await delete_file(connection, export.file_id)
                export = export._replace(state="done", file_id=spreadsheet.id, size=spreadsheet.size)
                await exports.update_export(connection, export)
                advance.total = advance.done
                advance.finish(rows=export.rows, bytes=export.size)
        except BaseException:
            await spreadsheet.discard()
            raise

    async def stopped(self, work: UnitOfWork, job: Job) -> None:
        """Record that the export was cancelled or failed, and delete the unfinished file."""
        export = await exports.lock_export(work.connection, UUID(job.subject))
        if export is None:
            return
        if export.file_id is not None:
            await delete_file(work.connection, export.file_id)
        state: ExportState = "cancelled" if job.state == "cancelled" else "failed"
        stopped = export._replace(state=state, file_id=None, members=BitMap(), failure=job.failure)
        await exports.update_export(work.connection, stopped)


async def _lock_running(connection: PoolConnectionProxy, job: Job) -> Export:
    export = await exports.lock_export(connection, UUID(job.subject))
    if export is None:
        raise JobFailed("The export was deleted.")
    if export.erased_meanwhile:
        raise JobFailed("A contact was erased while the file was being written. Start the export again.")
    return export


async def _begin_file(connection: PoolConnectionProxy, export: Export, now: datetime) -> Export:
    file_id = uuid7()
    media_type = MEDIA_TYPES[export.format]
    await exports.begin_file(connection, file_id, export.account_id, _filename(export), media_type, now + KEPT)
    return export._replace(file_id=file_id)


def _filename(export: Export) -> str:
    return f"contacts-{export.created_at.astimezone(UTC):%Y-%m-%d}.{ENDINGS[export.format]}"


async def _is_number(database: Database, export: Export, column: str) -> bool:
    if column == "contact_id" or column.startswith("clicks:"):
        return True
    async with database.pool.acquire() as connection:
        fields = (await fields_of_accounts(connection, [export.account_id]))[export.account_id]
    return column in fields and fields[column].type == "number"


async def _contacts(
    connection: PoolConnectionProxy,
    account_id: int,
    ids: Sequence[int],
    labels: Sequence[Label],
    source: ContactSet,
) -> list[ExportedContact]:
    by_no = {label.no: label.id for label in labels}
    rows = await exports.export_rows(connection, account_id, ids, list(by_no))
    contacts = [_contact(row, by_no) for row in rows]
    if source.kind != "label" or source.id is None:
        return contacts
    # Skip contacts that lost the label after its holders were read, so that every contact in the file has the label.
    return [contact for contact in contacts if contact.labels.get(source.id, (False, 0, None))[0]]


def _contact(row: ExportRow, by_no: Mapping[int, UUID]) -> ExportedContact:
    labels = {by_no[label_no]: held for label_no, held in row.labels.items()}
    return ExportedContact(
        row.contact_id, row.external_id, row.email, row.subscription, row.language, row.fields, labels
    )


async def delete_export(database: Database, account_id: int, export_id: UUID) -> None:
    """Delete an export with its file; a running export is cancelled first. Raises NotFoundError."""
    async with database.transaction() as connection:
        export = await find_export(connection, account_id, export_id)
        if export.state in ("queued", "running"):
            await request_cancel(connection, account_id, export.job_id)
        await exports.delete_export(connection, export)


def file_of(export: Export) -> UUID:
    """Return the id of the file of a finished export. Raises StateError if there is none."""
    if export.state != "done":
        raise StateError(f"The export is {export.state}; there is no file.")
    if export.file_id is None:
        raise StateError("The file was deleted. A file is kept for 7 days, or until a contact in it is erased.")
    return export.file_id
