"""Create, change and delete forms."""

from typing import NamedTuple
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from services.labeling.domain import forms as domain
from services.labeling.domain.accounts import Account
from services.labeling.domain.errors import LimitError, NotFoundError
from services.labeling.domain.fields import Field
from services.labeling.domain.forms import Form, FormDefinition
from services.labeling.domain.labels import Label
from services.labeling.domain.limits import MOST_FORMS
from services.labeling.store import forms
from services.labeling.store.accounts import account_of_id
from services.labeling.store.fields import fields_of_accounts
from services.labeling.store.labels import labels_of_ids, public_labels
from shared.store.database import Database


class ShownForm(NamedTuple):
    """A form with its account, and the fields and labels that its page shows."""

    form: Form
    account: Account
    fields: list[Field]
    labels: list[Label]


async def create_form(database: Database, account_id: int, definition: FormDefinition) -> Form:
    """Create a form. Raises InvalidError with a pointer, LimitError."""
    async with database.transaction() as connection:
        _, count = await forms.forms_of_account(connection, account_id, None, 1)
        if count >= MOST_FORMS:
            raise LimitError("forms", MOST_FORMS)
        checked = await _checked(connection, account_id, definition)
        return await forms.insert_form(connection, account_id, checked)


async def replace_form(database: Database, account_id: int, form_id: UUID, definition: FormDefinition) -> Form:
    """Replace the definition of a form. Raises NotFoundError, InvalidError with a pointer."""
    async with database.transaction() as connection:
        await find_form(connection, account_id, form_id)
        checked = await _checked(connection, account_id, definition)
        form = await forms.update_form(connection, account_id, form_id, checked)
    if form is None:
        raise NotFoundError("form")
    return form


async def delete_form(database: Database, account_id: int, form_id: UUID) -> None:
    """Delete a form and its page; submissions stay. Raises NotFoundError."""
    async with database.transaction() as connection:
        if not await forms.delete_form(connection, account_id, form_id):
            raise NotFoundError("form")


async def find_form(connection: PoolConnectionProxy, account_id: int, form_id: UUID) -> Form:
    """Return a form of the account. Raises NotFoundError."""
    form = await forms.form_of_id(connection, form_id)
    if form is None or form.account_id != account_id:
        raise NotFoundError("form")
    return form


async def shown_form(connection: PoolConnectionProxy, form_id: UUID) -> ShownForm:
    """Return what the page of a form shows. Raises NotFoundError, also if the account is deleted."""
    form = await forms.form_of_id(connection, form_id)
    account = None if form is None else await account_of_id(connection, form.account_id)
    if form is None or account is None or account.state == "deleted":
        raise NotFoundError("form")
    fields = (await fields_of_accounts(connection, [form.account_id]))[form.account_id]
    labels = {label.id: label for label in await public_labels(connection, form.account_id)}
    # Fields that were deleted, and labels that were deleted or made private, are left out.
    return ShownForm(
        form,
        account,
        [fields[key] for key in form.definition.fields if key in fields],
        [labels[label_id] for label_id in form.definition.labels if label_id in labels],
    )


async def _checked(connection: PoolConnectionProxy, account_id: int, definition: FormDefinition) -> FormDefinition:
    fields = (await fields_of_accounts(connection, [account_id]))[account_id]
    labels = await labels_of_ids(connection, definition.labels)
    own = {label_id: label for label_id, label in labels.items() if label.account_id == account_id}
    return domain.checked(definition, fields.keys(), own)
