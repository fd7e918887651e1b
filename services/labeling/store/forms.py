"""Forms, and their submissions."""

from datetime import datetime
from typing import cast
from uuid import UUID

import orjson
from asyncpg import Record
from asyncpg.pool import PoolConnectionProxy
from pydantic import TypeAdapter
from uuid_utils.compat import uuid7

from services.labeling.domain.forms import Form, FormDefinition, Submission
from shared.store.queries import queries_of

QUERIES = queries_of(__file__)
_DEFINITION = TypeAdapter(FormDefinition)


def _form(row: Record) -> Form:
    definition = _DEFINITION.validate_json(row["definition"])
    form_id = UUID(int=row["form_id"].int)
    return Form(form_id, row["account_id"], definition, row["version"], row["created_at"], row["changed_at"])


async def insert_form(connection: PoolConnectionProxy, account_id: int, definition: FormDefinition) -> Form:
    """Insert a form."""
    row = await QUERIES["insert_form"].fetchrow(
        connection, form_id=uuid7(), account_id=account_id, definition=_DEFINITION.dump_json(definition).decode()
    )
    assert row is not None
    return _form(row)


async def update_form(
    connection: PoolConnectionProxy, account_id: int, form_id: UUID, definition: FormDefinition
) -> Form | None:
    """Replace the definition of a form; return None if there is no such form."""
    row = await QUERIES["update_form"].fetchrow(
        connection, account_id=account_id, form_id=form_id, definition=_DEFINITION.dump_json(definition).decode()
    )
    return None if row is None else _form(row)


async def delete_form(connection: PoolConnectionProxy, account_id: int, form_id: UUID) -> bool:
    """Delete a form; return False if there is no such form."""
    return await QUERIES["delete_form"].execute(connection, account_id=account_id, form_id=form_id) == 1


async def form_of_id(connection: PoolConnectionProxy, form_id: UUID) -> Form | None:
    """Return a form of any account, or None."""
    row = await QUERIES["form_of_id"].fetchrow(connection, form_id=form_id)
    return None if row is None else _form(row)


async def forms_of_account(
    connection: PoolConnectionProxy, account_id: int, after: UUID | None, limit: int
) -> tuple[list[Form], int]:
    """Return a page of the account's forms, oldest first, and the number of all."""
    rows = await QUERIES["forms_of_account"].fetch(connection, account_id=account_id, after=after, limit=limit)
    return [_form(row) for row in rows], await QUERIES["count_forms"].fetchval(connection, account_id=account_id)


async def insert_submission(connection: PoolConnectionProxy, submission: Submission) -> None:
    """Insert a submission."""
    await QUERIES["insert_submission"].execute(
        connection,
        submission_id=submission.id,
        account_id=submission.account_id,
        contact_id=submission.contact_id,
        form_id=submission.form_id,
        label_ids=list(submission.label_ids),
        fields=orjson.dumps(dict(submission.fields)).decode(),
        wording=submission.wording,
        language=submission.language,
        at=submission.created_at,
    )


async def submission_of_id(connection: PoolConnectionProxy, submission_id: UUID) -> Submission | None:
    """Return a submission, or None."""
    row = await QUERIES["submission_of_id"].fetchrow(connection, submission_id=submission_id)
    if row is None:
        return None
    return Submission(
        UUID(int=row["submission_id"].int),
        row["account_id"],
        row["contact_id"],
        UUID(int=row["form_id"].int),
        tuple(UUID(int=label_id.int) for label_id in row["label_ids"]),
        orjson.loads(row["fields"]),
        row["wording"],
        row["language"],
        row["created_at"],
        cast("datetime | None", row["confirmed_at"]),
    )


async def confirm_submission(connection: PoolConnectionProxy, submission_id: UUID, at: datetime) -> bool:
    """Mark a submission as confirmed; return False if it already was."""
    return await QUERIES["confirm_submission"].execute(connection, submission_id=submission_id, at=at) == 1
