"""The rows of imports, their errors, and their effects."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain.imports.summary import RowList, RowOutcome
from services.labeling.store.imports import QUERIES
from shared.store.queries import Executor

ImportOutcome = Literal["created", "updated", "unchanged"]
_ROW_COLUMNS = ("import_id", "generation", "number", "cells", "outcome", "suppressed", "email_hash", "external_hash")
_ERROR_COLUMNS = ("import_id", "generation", "number", "place", "column_index", "code", "detail")
_DEAL_COLUMNS = ("import_id", "bucket", "number", "contact_id")


class ImportRow(NamedTuple):
    """A row of a table: its number and its cells."""

    number: int
    cells: list[str]


class CheckedRow(NamedTuple):
    """A row with the result of its check."""

    number: int
    cells: list[str]
    outcome: RowOutcome
    suppressed: bool
    email_hash: bytes | None
    external_hash: bytes | None


class RowError(NamedTuple):
    """The reason why a row is refused; `place` distinguishes several errors of one row."""

    number: int
    place: int
    column: int | None
    code: str
    detail: str


class DealtRow(NamedTuple):
    """A row and the contact that it is about."""

    number: int
    contact_id: int
    cells: list[str]


class ImportEffect(NamedTuple):
    """The effect of an import on a contact: members with their values before and after, and assigned labels.

    `outcome` is how the import's result counts the contact; None in effects that were read back.
    """

    contact_id: int
    created: bool
    members: dict[str, list[Any]]
    label_nos: list[int]
    at: datetime
    outcome: ImportOutcome | None = None


async def add_rows(
    connection: PoolConnectionProxy,
    import_id: UUID,
    generation: int,
    rows: Sequence[CheckedRow],
    errors: Sequence[RowError],
) -> None:
    """Write the next rows of a check."""
    if rows:
        records = [(import_id, generation, number, orjson.dumps(cells), *results) for number, cells, *results in rows]
        await connection.copy_records_to_table("import_rows", records=records, columns=_ROW_COLUMNS)
    await add_errors(connection, import_id, generation, errors)


async def add_errors(
    connection: PoolConnectionProxy, import_id: UUID, generation: int, errors: Sequence[RowError]
) -> None:
    """Write the reasons why rows are refused."""
    if errors:
        records = [(import_id, generation, *error) for error in errors]
        await connection.copy_records_to_table("import_errors", records=records, columns=_ERROR_COLUMNS)


async def rows_after(connection: Executor, import_id: UUID, generation: int, after: int, limit: int) -> list[ImportRow]:
    """Return the next rows of a generation."""
    rows = await QUERIES["rows_after"].fetch(
        connection, import_id=import_id, generation=generation, after=after, limit=limit
    )
    return [ImportRow(row["number"], orjson.loads(row["cells"])) for row in rows]


async def importable_rows(
    connection: Executor, import_id: UUID, generation: int, after: int, limit: int
) -> list[ImportRow]:
    """Return the next rows that the check accepted."""
    rows = await QUERIES["importable_rows"].fetch(
        connection, import_id=import_id, generation=generation, after=after, limit=limit
    )
    return [ImportRow(row["number"], orjson.loads(row["cells"])) for row in rows]


async def known_hashes(
    connection: PoolConnectionProxy,
    import_id: UUID,
    generation: int,
    email_hashes: Sequence[bytes],
    external_hashes: Sequence[bytes],
) -> set[bytes]:
    """Return those of the hashes that belong to stored rows that will be imported."""
    rows = await QUERIES["known_hashes"].fetch(
        connection,
        import_id=import_id,
        generation=generation,
        email_hashes=email_hashes,
        external_hashes=external_hashes,
    )
    return {row["hash"] for row in rows}


async def delete_rows_before(connection: PoolConnectionProxy, import_id: UUID, generation: int, limit: int) -> bool:
    """Delete rows and errors of earlier generations; return whether more may be left."""
    await QUERIES["delete_errors"].execute(connection, import_id=import_id, generation=generation)
    deleted = await QUERIES["delete_rows"].execute(connection, import_id=import_id, generation=generation, limit=limit)
    return deleted >= limit


async def add_deals(connection: PoolConnectionProxy, import_id: UUID, deals: Sequence[tuple[int, int, int]]) -> None:
    """Write the contact of each row: (bucket, number, contact id)."""
    if deals:
        records = [(import_id, *deal) for deal in deals]
        await connection.copy_records_to_table("import_deals", records=records, columns=_DEAL_COLUMNS)


async def dealt_rows(
    connection: PoolConnectionProxy, import_id: UUID, generation: int, bucket: int, after: int, limit: int
) -> list[DealtRow]:
    """Return the next rows of a bucket."""
    rows = await QUERIES["dealt_rows"].fetch(
        connection, import_id=import_id, generation=generation, bucket=bucket, after=after, limit=limit
    )
    return [DealtRow(row["number"], row["contact_id"], orjson.loads(row["cells"])) for row in rows]


async def effects_of(
    connection: PoolConnectionProxy, import_id: UUID, contact_ids: Collection[int]
) -> dict[int, ImportEffect]:
    """Return the import's effects so far on these contacts."""
    rows = await QUERIES["effects_of_contacts"].fetch(connection, import_id=import_id, contact_ids=list(contact_ids))
    return {row["contact_id"]: _effect(row) for row in rows}


def _effect(row: Record) -> ImportEffect:
    return ImportEffect(
        row["contact_id"], row["created"], orjson.loads(row["members"]), list(row["label_nos"]), row["at"]
    )


async def write_effects(
    connection: PoolConnectionProxy,
    import_id: UUID,
    account_id: int,
    bucket: int,
    effects: Collection[ImportEffect],
    at: datetime,
) -> None:
    """Write the import's effects on contacts."""
    if not effects:
        return
    await QUERIES["write_effects"].execute(
        connection,
        import_id=import_id,
        account_id=account_id,
        bucket=bucket,
        contact_ids=[effect.contact_id for effect in effects],
        created=[effect.created for effect in effects],
        members=[orjson.dumps(effect.members).decode() for effect in effects],
        label_nos=["{" + ",".join(map(str, effect.label_nos)) + "}" for effect in effects],
        outcomes=[effect.outcome for effect in effects],
        at=at,
    )


async def effects_after(
    connection: Executor, import_id: UUID, bucket: int, after: int, limit: int
) -> list[ImportEffect]:
    """Return the next effects of a bucket, by contact id."""
    rows = await QUERIES["effects_after"].fetch(
        connection, import_id=import_id, bucket=bucket, after=after, limit=limit
    )
    return [_effect(row) for row in rows]


async def contacts_of_import(
    connection: Executor,
    import_id: UUID,
    outcome: ImportOutcome | None,
    *,
    after: int = 0,
    only: Sequence[int] | None = None,
    limit: int | None = None,
) -> list[int]:
    """Return contacts that the import counted with `outcome`, by id; all touched contacts if it is None."""
    rows = await QUERIES["contacts_of_import"].fetch(
        connection, import_id=import_id, outcome=outcome, after=after, only=only, limit=limit
    )
    return [row["contact_id"] for row in rows]


async def count_effects(connection: Executor, import_id: UUID) -> int:
    """Count the contacts that an import touched."""
    count: int = await QUERIES["count_effects"].fetchval(connection, import_id=import_id)
    return count


async def later_effects(
    connection: Executor, account_id: int, import_id: UUID, contact_ids: Collection[int]
) -> dict[int, dict[str, list[Any]]]:
    """Return the members that later imports wrote, by contact; the newest import takes precedence."""
    members: dict[int, dict[str, list[Any]]] = {}
    rows = await QUERIES["later_effects"].fetch(
        connection, account_id=account_id, import_id=import_id, contact_ids=list(contact_ids)
    )
    for row in rows:
        members.setdefault(row["contact_id"], {}).update(orjson.loads(row["members"]))
    return members


async def errors_after(
    connection: Executor, import_id: UUID, generation: int, after: tuple[int, int], limit: int
) -> list[RowError]:
    """Return a page of errors, by row."""
    rows = await QUERIES["errors_after"].fetch(
        connection, import_id=import_id, generation=generation, number=after[0], place=after[1], limit=limit
    )
    return [RowError(*row) for row in rows]


async def refused_rows(
    connection: Executor, import_id: UUID, generation: int, after: int, limit: int
) -> list[tuple[ImportRow, str]]:
    """Return the next refused rows with the reasons."""
    rows = await QUERIES["refused_rows"].fetch(
        connection, import_id=import_id, generation=generation, after=after, limit=limit
    )
    return [(ImportRow(row["number"], orjson.loads(row["cells"])), row["reason"]) for row in rows]


async def listed_rows(
    connection: Executor, import_id: UUID, generation: int, of: RowList, after: int, limit: int
) -> list[tuple[ImportRow, str | None]]:
    """Return the next rows that the count `of` of a check includes; refused rows with the reasons."""
    if of == "errors":
        return [*await refused_rows(connection, import_id, generation, after, limit)]
    page: dict[str, Any] = {"import_id": import_id, "generation": generation, "after": after, "limit": limit}
    if of == "all":
        records = await QUERIES["rows_after"].fetch(connection, **page)
    elif of == "suppressed":
        records = await QUERIES["suppressed_rows"].fetch(connection, **page)
    else:
        outcome: RowOutcome = "duplicate" if of == "duplicates" else of
        records = await QUERIES["rows_of_outcome"].fetch(connection, outcome=outcome, **page)
    rows = [ImportRow(row["number"], orjson.loads(row["cells"])) for row in records]
    reasons = await QUERIES["reasons_of_rows"].fetch(
        connection, import_id=import_id, generation=generation, numbers=[row.number for row in rows]
    )
    reason_of = {row["number"]: row["reason"] for row in reasons}
    return [(row, reason_of.get(row.number)) for row in rows]
